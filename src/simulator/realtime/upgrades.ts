import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Character, header } from '../exchange.ts';
import { type Fault, faultOf } from '../faults.ts';
import { replyHeaders } from '../headers.ts';
import type { Journal } from '../journal.ts';
import { missingModel, type Problem, problemBody, usualProblem } from '../problems.ts';
import type { Recorder } from '../recorder.ts';
import { EchoSession } from './echo-session.ts';
import { Session } from './session.ts';

/** As much as a query may have over HTTP. */
const messageBytesMax = 64 * 1024 * 1024;

/** A handshake that was read and not answered. */
interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** 1, 2, 3, … in order of arrival. */
  readonly number: number;
}

/** Why a handshake to the realtime API comes to nothing. */
interface Culprit {
  readonly model: string;
  readonly fault: Fault;
}

/** Where a WebSocket handshake goes: to the realtime API, to the echo, or nowhere. */
export class Upgrades {
  readonly #journal: Journal;
  readonly #character: Character;
  readonly #realtime = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
  });
  readonly #echo = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: { threshold: 0 },
    maxPayload: messageBytesMax,
  });
  readonly #open = new Set<Session | EchoSession>();
  #handshakes = 0;

  constructor(journal: Journal, character: Character) {
    this.#journal = journal;
    this.#character = character;
    this.#realtime.on('headers', (lines) => lines.push(...headerLines(`req_101_${this.#handshakes}`)));
  }

  receive(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#handshakes += 1;
    const handshake = { request, socket, head, number: this.#handshakes };
    const [target = '', query] = (request.url ?? '').split('?', 2);
    const path = target.replace(/^(\/openai)?(\/v1)?(?=\/)/, '');
    if (path === '/echo' || path.startsWith('/echo/')) this.#beginEcho(handshake);
    else if (path === '/realtime') this.#greet(handshake, new URLSearchParams(query));
    else this.#refuse(handshake, { status: 404, message: `Invalid URL (GET ${request.url})` });
  }

  /** Their connections will be destroyed, and not by the clients. */
  kill(): void {
    for (const session of this.#open) session.kill();
  }

  #greet(handshake: Handshake, asked: URLSearchParams): void {
    const model = asked.get('model') ?? asked.get('deployment') ?? '';
    const fault = faultOf(model);
    if (model === '') this.#refuse(handshake, missingModel);
    else if (!fault || !this.#struck(handshake, { model, fault })) this.#beginRealtime(handshake, model);
  }

  #beginRealtime({ request, socket, head, number }: Handshake, model: string): void {
    const isBeta =
      header(request, 'openai-beta')?.includes('realtime=v1') === true ||
      header(request, 'sec-websocket-protocol')?.includes('openai-beta.realtime-v1') === true;
    const [journal, character] = [this.#journal, this.#character];
    this.#realtime.handleUpgrade(request, socket, head, (client) => {
      this.#keep(client, new Session({ socket: client, request, number, model, isBeta, character, journal }));
    });
  }

  #beginEcho(handshake: Handshake): void {
    const { request, socket, head } = handshake;
    this.#echo.handleUpgrade(request, socket, head, (client) => {
      const recorder = this.#record(handshake);
      recorder.headSent(101);
      this.#keep(client, new EchoSession(client, recorder));
    });
  }

  #keep(client: WebSocket, session: Session | EchoSession): void {
    this.#open.add(session);
    client.once('close', () => this.#open.delete(session));
  }

  /** Faults that strike before a session begins. Says whether the handshake is done with. */
  #struck(handshake: Handshake, by: Culprit): boolean {
    const { socket } = handshake;
    switch (by.fault.name) {
      case 'sim-status':
        this.#refuse(handshake, usualProblem('openai', by.fault.argument), by);
        return true;
      case 'sim-close':
        this.#strike(handshake, by);
        socket.destroy();
        return true;
      case 'sim-garbage':
        this.#strike(handshake, by);
        socket.end('\u0000\u0001 This is not HTTP.\r\n\r\n', () => socket.destroy());
        return true;
      case 'sim-no-head':
        this.#strike(handshake, by);
        return true;
      default:
        return false;
    }
  }

  #refuse(handshake: Handshake, problem: Problem, by?: Culprit): void {
    const recorder = this.#strike(handshake, by);
    const { replyRequestId } = recorder.entry;
    const body = Buffer.from(problemBody('openai', problem, replyRequestId));
    const lines = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Unknown'}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      ...(problem.status === 429 ? ['Retry-After: 1'] : []),
      ...headerLines(replyRequestId),
    ];
    recorder.headSent(problem.status);
    handshake.socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]), () => {
      recorder.bytesSent(body);
      recorder.entry.terminalSent = true;
      handshake.socket.destroy();
    });
  }

  /** The entry of a handshake that no session comes of; complete when its connection is gone. */
  #strike(handshake: Handshake, by: Culprit | undefined): Recorder {
    const { socket } = handshake;
    const recorder = this.#record(handshake, by);
    recorder.requestEnded();
    socket.on('error', () => {});
    socket.once('close', () => {
      recorder.end(by ? 'fault' : recorder.entry.terminalSent ? 'completed' : 'client_aborted');
    });
    // A socket that nobody reads from never tells that its client is gone, and one half of it would stay open.
    socket.once('end', () => socket.end());
    socket.resume();
    return recorder;
  }

  #record({ request, number }: Handshake, by?: Culprit): Recorder {
    const recorder = this.#journal.begin({
      requestId: header(request, 'x-request-id'),
      traceparent: header(request, 'traceparent'),
      method: request.method ?? '',
      url: request.url ?? '',
      session: number,
      at: performance.now(),
    });
    if (by) {
      recorder.entry.operation = 'openai.realtime';
      recorder.entry.modelRequested = by.model;
      recorder.entry.fault = by.fault.name;
    }
    return recorder;
  }
}

function headerLines(replyRequestId: string): string[] {
  const flat = replyHeaders('openai', replyRequestId, 1);
  return flat.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${flat[index + 1]}`] : []));
}
