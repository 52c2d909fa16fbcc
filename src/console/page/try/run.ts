import { batch, type Signal, signal } from '@preact/signals';
import type { Dialect } from '../../../dialects/dialect.ts';
import { parseJsonObject } from '../../../wire/json.ts';
import { type Answer, AnswerReader, errorIn, noAnswer } from './answer.ts';
import { SseReader } from './sse-reader.ts';

/** A query, ready to be sent. */
export interface TryQuery {
  /** By which its reply is read. */
  readonly dialect: Dialect;
  /** Of the data plane. */
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `stopped`: by whoever asked. `broken`: no reply, or one that broke off. */
export type RunState = 'sending' | 'receiving' | 'ended' | 'stopped' | 'broken';

export interface RunOptions {
  /** Also the `x-request-id`, by which the exchange is found. */
  readonly id: string;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** ms. */
  readonly now: () => number;
}

/** Characters of a reply that are kept until it is read, and those that are shown as they came. */
const heldCharsMax = 2_000_000;
const rawCharsMax = 200_000;
/** Nobody reads faster; drawing for each token would slow down what is watched. */
const drawEveryMs = 60;

/** One query through the proxy, and what came back so far. */
export class Run {
  readonly id: string;
  readonly path: string;
  readonly state: Signal<RunState> = signal('sending');
  /** What the client of a proxy would get: Sightline's errors are in it as the upstream's are. */
  readonly status: Signal<number | undefined> = signal(undefined);
  readonly answer: Signal<Answer> = signal(noAnswer);
  readonly raw: Signal<string> = signal('');
  readonly isRawCut: Signal<boolean> = signal(false);
  /** Why there is no reply, or no more of it; the console was refused, not the query, where there is no status. */
  readonly problem: Signal<string | undefined> = signal(undefined);
  readonly startedAt: number;
  readonly firstOutputAt: Signal<number | undefined> = signal(undefined);
  readonly endedAt: Signal<number | undefined> = signal(undefined);
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  readonly #reader: AnswerReader;
  #raw = '';
  #drawing: ReturnType<typeof setTimeout> | undefined;

  constructor({ dialect, path, body, headers }: TryQuery, options: RunOptions) {
    this.id = options.id;
    this.path = path;
    this.#options = options;
    this.#reader = new AnswerReader(dialect);
    this.startedAt = options.now();
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers, 'x-request-id': options.id },
      body,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: this.#abort.signal,
    } as const;
    void this.#run(`/api/try?path=${encodeURIComponent(path)}`, init);
  }

  get isRunning(): boolean {
    return this.endedAt.value === undefined;
  }

  /** The proxy sees a client that hangs up. Idempotent. */
  stop(): void {
    this.#abort.abort();
  }

  async #run(path: string, init: RequestInit): Promise<void> {
    try {
      const reply = await this.#options.fetch(path, init);
      await this.#receive(reply);
      this.#end('ended');
    } catch (thrown) {
      if (this.#abort.signal.aborted) return this.#end('stopped');
      this.problem.value =
        this.state.peek() === 'sending'
          ? `Sightline does not answer: ${String(thrown)}`
          : 'The reply broke off before its end.';
      this.#end('broken');
    }
  }

  async #receive(reply: Response): Promise<void> {
    // Every reply of the data plane has one.
    if (!reply.headers.has('x-request-id')) return this.#noteRefusal(reply);
    batch(() => {
      this.state.value = 'receiving';
      this.status.value = reply.status;
    });
    const isStream = /^text\/event-stream\b/i.test(reply.headers.get('content-type') ?? '');
    const sse = isStream ? new SseReader() : undefined;
    const decoder = new TextDecoder();
    for await (const bytes of chunksOf(reply)) {
      this.#keepRaw(decoder.decode(bytes, { stream: true }));
      for (const event of sse?.push(bytes) ?? []) this.#reader.event(event);
      this.#noteOutput();
      this.#drawing ??= setTimeout(() => this.#draw(), drawEveryMs);
    }
    if (!isStream) this.#reader.whole(this.#raw);
  }

  /** The admin plane itself would not send it on. */
  async #noteRefusal(reply: Response): Promise<void> {
    const payload = parseJsonObject(await reply.text());
    const said = payload && errorIn(payload);
    this.problem.value = said ?? `${reply.status} ${reply.statusText}`;
  }

  #keepRaw(text: string): void {
    const room = heldCharsMax - this.#raw.length;
    if (room > 0) this.#raw += text.slice(0, room);
  }

  #noteOutput(): void {
    if (this.#reader.outputs > 0) this.firstOutputAt.value ??= this.#options.now();
  }

  #draw(): void {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    this.answer.value = this.#reader.answer;
    this.raw.value = this.#raw.slice(0, rawCharsMax);
    this.isRawCut.value = this.#raw.length > rawCharsMax;
  }

  #end(state: RunState): void {
    batch(() => {
      this.#draw();
      this.#raw = '';
      this.state.value = state;
      this.endedAt.value = this.#options.now();
    });
  }
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Output a second since the first of it; undefined where too little came to tell. */
export function speedOf(
  { outputs, outputTokens }: Answer,
  firstOutputAt: number | undefined,
  until: number,
): number | undefined {
  const seconds = firstOutputAt === undefined ? 0 : (until - firstOutputAt) / 1_000;
  return outputs < 2 || seconds < 0.05 ? undefined : (outputTokens ?? outputs) / seconds;
}
