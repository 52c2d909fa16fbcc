import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Delivery, deliverStream, deliverWhole } from './delivery.ts';
import { encodingOf } from './encoding.ts';
import { type Fault, faultOf } from './faults.ts';
import { replyHeaders } from './headers.ts';
import { isObject, textOf } from './json.ts';
import { Line } from './line.ts';
import { Pace, type Tempo } from './pace.ts';
import { malformedJson, type Problem, problemBody, usualProblem } from './problems.ts';
import type { Recorder } from './recorder.ts';
import type { Api } from './script.ts';

/** What the simulator was started with. */
export interface Character {
  readonly seed: number;
  readonly tempo: Tempo;
  /** Milliseconds since 1970; decides what a reply says about when it was created. */
  readonly clock: () => number;
}

/** One request and its reply, whatever it is about. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recorder: Recorder;
  readonly line: Line;
  /** Whose doing it will be when the connection closes without the reply being complete. */
  blame: 'client' | 'fault';
}

/** A query is held in memory; the real APIs refuse far smaller ones. */
const queryBytesMax = 64 * 1024 * 1024;

export function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  recorder: Recorder,
): Exchange {
  const chunkBytes = /^bytes=([1-9]\d{0,8})$/.exec(header(request, 'x-simulator-chunking') ?? '')?.[1];
  const line = new Line(response, chunkBytes === undefined ? undefined : Number(chunkBytes), (bytes) =>
    recorder.bytesSent(bytes),
  );
  const exchange: Exchange = { request, response, recorder, line, blame: 'client' };
  response.once('close', () => {
    if (exchange.blame === 'fault') recorder.end('fault');
    else
      recorder.end(response.writableFinished || recorder.entry.terminalSent ? 'completed' : 'client_aborted');
  });
  return exchange;
}

export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The whole body; nothing where the client left in the middle of it or it is too large. */
export async function readBody({ request, recorder }: Exchange): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve) => {
    request.on('data', (piece: Buffer) => {
      recorder.requestPiece(piece);
      size += piece.length;
      if (size <= queryBytesMax) pieces.push(piece);
    });
    request.once('end', resolve);
    request.once('close', resolve);
    request.on('error', () => resolve());
  });
  if (!request.complete || size > queryBytesMax) return undefined;
  const [only] = pieces;
  return pieces.length === 1 ? only : Buffer.concat(pieces);
}

/** One of the model operations, from the request's body to the reply's last byte. */
export async function serveApi(api: Api, exchange: Exchange, character: Character): Promise<void> {
  const { recorder } = exchange;
  const { entry } = recorder;
  entry.operation = api.operation;
  const bytes = await readBody(exchange);
  const body = bytes && parse(bytes);
  if (isObject(body)) {
    const model = textOf(body.model);
    if (model !== undefined) entry.modelRequested = model;
    entry.stream = body.stream === true;
  }
  recorder.requestEnded();
  if (!exchange.request.complete) return;
  if (!bytes) return sendProblem(api.shape, exchange, { status: 413, message: 'The request is too large.' });
  if (!isObject(body)) return sendProblem(api.shape, exchange, malformedJson[api.shape]);

  const fault = faultOf(entry.modelRequested ?? '');
  if (fault) entry.fault = fault.name;
  const problem = api.refuse(body);
  if (problem) return sendProblem(api.shape, exchange, problem);
  if (fault && (await struckBeforeHead(api, exchange, fault))) return;

  const delivery = deliveryOf(api, exchange, character, fault);
  const script = api.script(body, {
    seed: character.seed,
    created: Math.floor(character.clock() / 1000),
    wish: {
      tokens: fault?.name === 'sim-tokens' ? fault.argument : undefined,
      bytes: sizeOf(header(exchange.request, 'x-simulator-size')),
    },
  });
  await (script.stream ? deliverStream(script, delivery) : deliverWhole(script, delivery));
}

/** A body that is not JSON is `undefined`, as no JSON is. */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function deliveryOf(api: Api, exchange: Exchange, character: Character, fault: Fault | undefined): Delivery {
  const { request, response, recorder, line } = exchange;
  const { entry } = recorder;
  const slowly = fault?.name === 'sim-slow-token';
  const tempo = slowly ? { ...character.tempo, tokensPerSecond: 1000 / fault.argument } : character.tempo;
  const startedAt = fault?.name === 'sim-slow-start' ? performance.now() : entry.times.received;
  const byName = /^sim-(gzip|deflate|br|zstd)$/.exec(fault?.name ?? '')?.[1];
  return {
    response,
    line,
    recorder,
    pace: new Pace(startedAt, tempo),
    fault,
    encoding: encodingOf(
      byName ?? header(request, 'x-simulator-encoding'),
      header(request, 'accept-encoding'),
    ),
    chunked: request.headers['x-simulator-chunking'] !== undefined,
    headers: () => replyHeaders(api.shape, entry.replyRequestId, performance.now() - entry.times.received),
    blameFault: () => {
      exchange.blame = 'fault';
    },
  };
}

/** Faults that strike before a reply begins. Says whether the exchange is done with. */
async function struckBeforeHead(api: Api, exchange: Exchange, fault: Fault): Promise<boolean> {
  const { response, line, recorder } = exchange;
  switch (fault.name) {
    case 'sim-slow-start':
      await line.sleep(fault.argument);
      return line.closed;
    case 'sim-error-event':
      if (recorder.entry.stream) return false;
      exchange.blame = 'fault';
      await sendProblem(api.shape, exchange, usualProblem(api.shape, 500));
      return true;
    case 'sim-status':
      exchange.blame = 'fault';
      await sendProblem(api.shape, exchange, usualProblem(api.shape, fault.argument));
      return true;
    case 'sim-close':
      exchange.blame = 'fault';
      response.socket?.destroy();
      return true;
    case 'sim-garbage':
      exchange.blame = 'fault';
      response.socket?.end('\u0000\u0001 This is not HTTP.\r\n\r\n', () => response.socket?.destroy());
      return true;
    case 'sim-no-head':
      exchange.blame = 'fault';
      await line.gone();
      return true;
    default:
      return false;
  }
}

export async function sendProblem(shape: Api['shape'], exchange: Exchange, problem: Problem): Promise<void> {
  const retry = problem.status === 429 ? ['Retry-After', '1'] : [];
  const body = problemBody(shape, problem, exchange.recorder.entry.replyRequestId);
  await sendJson(exchange, problem.status, body, [
    ...retry,
    ...replyHeaders(shape, exchange.recorder.entry.replyRequestId, 1),
  ]);
}

export async function sendJson(
  { response, line, recorder }: Exchange,
  status: number,
  body: string,
  headers: readonly string[] = [],
): Promise<void> {
  if (line.closed) return;
  const bytes = Buffer.from(body);
  response.writeHead(status, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(bytes.length),
    ...headers,
  ]);
  recorder.headSent(status);
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  await line.write(bytes, () => {
    recorder.entry.terminalSent = true;
  });
  await line.end();
}
