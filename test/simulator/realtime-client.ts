import { once } from 'node:events';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { type ClientOptions, WebSocket } from 'ws';
import { textOf } from '../../src/simulator/json.ts';
import { isJsonObject, type JsonObject } from '../../src/wire/json.ts';

export interface RealtimeEvent extends JsonObject {
  readonly type: string;
}

/** The next response, by a message with an id of its own. */
export const ask = { type: 'response.create', event_id: 'ask' };

/** From here on responses are written and not spoken. */
export const textOnly = {
  type: 'session.update',
  session: { type: 'realtime', output_modalities: ['text'] },
};

/** A WebSocket that says what it is told to, and keeps what comes. */
export class RealtimeClient {
  readonly socket: WebSocket;
  readonly events: RealtimeEvent[] = [];
  /** What came, as it came. */
  readonly texts: string[] = [];
  readonly closed: Promise<number>;
  #read = 0;
  #wake: (() => void) | undefined;

  constructor(url: string, options: ClientOptions = {}, protocols: string[] = []) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, {
      perMessageDeflate: false,
      ...options,
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#wake?.());
    this.socket.on('message', (data: Buffer) => {
      const text = data.toString();
      this.texts.push(text);
      const event = parsed(text);
      if (event) this.events.push(event);
      this.#wake?.();
    });
  }

  send(...messages: object[]): void {
    for (const message of messages) this.socket.send(JSON.stringify(message));
  }

  /** The next event of this type behind the one that was told last; those between are skipped. */
  async next(type: string): Promise<RealtimeEvent> {
    for (;;) {
      for (; this.#read < this.events.length; this.#read += 1) {
        const event = this.events[this.#read];
        if (event?.type !== type) continue;
        this.#read += 1;
        return event;
      }
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The names of what came, each run of one name once. */
  names(): string[] {
    const names = this.events.map(({ type }) => type);
    return names.filter((name, index) => name !== names[index - 1]);
  }

  /** What the deltas of this type make. */
  said(type: string): string {
    return this.events.map((event) => (event.type === type ? textOf(event.delta) : '')).join('');
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

/** The client is connected and greeted. */
export async function openRealtime(
  url: string,
  model: string,
  headers: Record<string, string> = {},
): Promise<RealtimeClient> {
  const client = new RealtimeClient(`${url}/v1/realtime?model=${model}`, { headers });
  await client.next('session.created');
  return client;
}

/** The status and body with which an upgrade is refused. */
export async function refusedUpgrade(url: string): Promise<{ status: number; body: JsonObject }> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  let text = '';
  for await (const piece of response) text += piece;
  socket.terminate();
  return { status: response.statusCode, body: JSON.parse(text) };
}

/** openai's realtime clients speak TLS only: here they believe that they do. */
export function plainly(port: number): { readonly client: OpenAI; readonly options: ClientOptions } {
  const client = new OpenAI({ baseURL: `https://127.0.0.1:${port}/v1`, apiKey: 'sk-test' });
  return { client, options: { createConnection: () => connect(port, '127.0.0.1') } as ClientOptions };
}

function parsed(text: string): RealtimeEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && typeof value.type === 'string' ? (value as RealtimeEvent) : undefined;
  } catch {
    return undefined;
  }
}
