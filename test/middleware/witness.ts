import assert from 'node:assert/strict';
import type { SightlineError } from '../../src/errors.ts';
import { Chunk } from '../../src/exchange/chunk.ts';
import type { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { attribute } from '../../src/telemetry/names.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { type Answer, startProxy, type TestProxy } from './proxy.ts';

/** Changes nothing; remembers how each exchange left it. */
export class Witness implements Middleware {
  readonly name: string;
  readonly #seen = new Map<string, string[]>();
  readonly #waiting = new Map<string, () => void>();

  constructor(name: string) {
    this.name = name;
  }

  /** Resolves when the exchange has left it. */
  async left(id: string): Promise<void> {
    if (this.seen(id).some((one) => one !== 'in')) return;
    await new Promise<void>((resolve) => this.#waiting.set(id, resolve));
  }

  seen(id: string): readonly string[] {
    return this.#seen.get(id) ?? [];
  }

  /** How often each exchange called it: to come in, and to leave. */
  counts(): number[] {
    return Array.from(this.#seen.values(), ({ length }) => length);
  }

  beforeQuery(_query: unknown, { id }: { id: string }): void {
    this.#note(id, 'in');
  }

  afterResponse({ status, isSent }: Reply, { id }: { id: string }): void {
    this.#note(id, isSent ? 'streamed' : `reply ${status}`);
  }

  onError({ code }: SightlineError, { id }: { id: string }): void {
    this.#note(id, code);
  }

  #note(id: string, what: string): void {
    this.#seen.set(id, [...this.seen(id), what]);
    if (what !== 'in') this.#waiting.get(id)?.();
  }
}

export interface Api {
  readonly name: string;
  readonly path: string;
  readonly query: JsonObject;
  /** A stream of one word, as the API sends it. */
  readonly stream: readonly JsonObject[];
  /** Where the API puts the message of an error; the same in a body and in an event. */
  readonly reply: (text: string) => JsonObject;
}

const messages = [{ role: 'user', content: 'Hello!' }];

export const apis: readonly Api[] = [
  {
    name: 'OpenAI chat',
    path: '/v1/chat/completions',
    query: { model: 'gpt-4o', messages },
    stream: [
      { choices: [{ index: 0, delta: { content: 'word' } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ],
    reply: (content) => ({ choices: [{ index: 0, message: { role: 'assistant', content } }] }),
  },
  {
    name: 'Anthropic messages',
    path: '/v1/messages',
    query: { model: 'claude-sonnet-4-5', max_tokens: 100, messages },
    stream: [
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'word' } },
      { type: 'message_stop' },
    ],
    reply: (text) => ({ type: 'message', content: [{ type: 'text', text }] }),
  },
];

export const chunksOf = ({ stream }: Api): Chunk[] =>
  stream.map((payload) => new Chunk({ event: String(payload.type ?? ''), data: JSON.stringify(payload) }));

/** The error in a body, or in an event, of either API. */
export function errorIn(text: string | Buffer): { type?: string; code?: string; message?: string } {
  return JSON.parse(String(text)).error;
}

export async function withProxy(
  middle: Middleware,
  run: (proxy: TestProxy, outer: Witness, inner: Witness) => Promise<void>,
): Promise<void> {
  const [outer, inner] = [new Witness('outer'), new Witness('inner')];
  {
    await using proxy = await startProxy({ middleware: [outer, middle, inner] });
    await run(proxy, outer, inner);
  }
  for (const witness of [outer, inner]) assert.ok(witness.counts().every((count) => count === 2));
}

/** The outcome, and how those around the middleware were left: each of them once. */
export async function fate(proxy: TestProxy, id: string, outer: Witness, inner: Witness) {
  const { outcome, traceId } = await proxy.endings.of(id);
  await outer.left(id);
  const spans = proxy.service.telemetry.traces.get(traceId ?? '')?.spans ?? [];
  const server = spans.find(({ kind }) => kind === 'SERVER');
  assert.equal(server?.attributes[attribute.outcome], outcome);
  assert.equal(proxy.service.inFlight.size, 0);
  return { outcome, outer: outer.seen(id).join(', '), inner: inner.seen(id).join(', ') };
}

/** Asks in the words of one API. */
export function askIn(api: Api) {
  return (proxy: TestProxy, query: JsonObject): Promise<Answer> =>
    proxy.ask({ ...api.query, ...query }, { path: api.path });
}
