import type { Dialect } from '../dialects/dialect.ts';
import { SightlineError } from '../errors.ts';
import { Chunk } from '../exchange/chunk.ts';
import { Reply } from '../exchange/reply.ts';
import type { Peer } from '../exchange/session-facts.ts';
import { type ContentDecoder, createContentDecoder } from '../wire/content-decoder.ts';
import { headerValue, type RawHeaders, withoutHeaders } from '../wire/headers.ts';
import type { SseEvent } from '../wire/sse-event.ts';
import { SseParser } from '../wire/sse-parser.ts';
import { noteChunk, noteOutput } from './moments.ts';
import { replyHeaders } from './reply-headers.ts';
import type { ReplyHead, ReplyMode, ReplyScene } from './reply-mode.ts';

/** What is wrong once events may be changed. */
const bodyHeaders = new Set(['content-length', 'content-encoding']);
const blankLine = Buffer.from('\n\n');

/**
 * A stream whose events a middleware reads: parsed once, for telemetry and for the middleware, and written
 * again event by event. An event that nobody changed keeps its bytes.
 */
export class EventStream implements ReplyMode {
  readonly #scene: ReplyScene;
  readonly #head: ReplyHead;
  readonly #dialect: Dialect;
  readonly #parser: SseParser;
  readonly #decoder: ContentDecoder;
  /** When the newest bytes came: the time of what is decoded from them. */
  #arrivedAt = 0;
  #wasFinal = false;
  #hasEnded = false;
  #brokeOff = false;

  constructor(scene: ReplyScene, head: ReplyHead, dialect: Dialect) {
    this.#scene = scene;
    this.#head = head;
    this.#dialect = dialect;
    const { exchange, sink, limits } = scene;
    this.#parser = new SseParser({
      eventBytesMax: limits.eventBytesMax,
      onPiece: (raw, event) => this.#piece(raw, event),
    });
    const encoding = headerValue(head.headers, 'content-encoding');
    const decoder = createContentDecoder(encoding, {
      onData: (bytes) => this.#parse(bytes),
      onError: (error) => {
        // What broke off cannot be decoded to its end; that is told elsewhere.
        if (!this.#brokeOff) this.#fail(error);
      },
      onDrain: () => scene.resume(),
      decodedBytesMax: Number.POSITIVE_INFINITY,
      queueBytesMax: limits.decodeQueueBytesMax,
    });
    if (!decoder) {
      throw new SightlineError('upstream_invalid_reply', {
        message: `A middleware has to read the reply, and its content-encoding '${encoding}' is unknown.`,
      });
    }
    this.#decoder = decoder;
    exchange.status = head.status;
    sink.head(
      head.status,
      head.statusMessage,
      replyHeaders(exchange, withoutHeaders(head.headers, bodyHeaders)),
    );
    exchange.overheadMs += performance.now() - (scene.attempt.headAt ?? 0);
  }

  get writesEvents(): boolean {
    return !this.#hasEnded;
  }

  data(chunk: Buffer, at: number): void {
    this.#arrivedAt = at;
    if (!this.#decoder.push(chunk)) this.#scene.pause();
  }

  drained(): void {
    this.#decoder.resume();
  }

  async end(trailers: RawHeaders, onUnderstood: () => void): Promise<void> {
    const scene = this.#scene;
    await this.#decoder.end();
    // An event without its blank line is none by the standard, but some backends leave it out after the last
    // one, and SDKs read that one: it takes the same way as the others.
    const rest = this.#parser.end();
    if (rest) this.#parse(Buffer.concat([rest, blankLine]));
    if (!this.#wasFinal && scene.isRunning) this.#write(new Chunk({ event: '', data: '' }, undefined, true));
    if (!scene.isRunning) return;
    this.#hasEnded = true;
    scene.sink.end(trailers);
    onUnderstood();
    await scene.passage?.afterResponse(new Reply({ ...this.#head, isSent: true }));
  }

  cut(by: Peer, onUnderstood: () => void): void | Promise<void> {
    this.#brokeOff = true;
    // What came from the upstream before is still the client's, where that is there.
    const decoded = by === 'upstream' ? this.#decoder.end() : undefined;
    if (decoded) return decoded.then(onUnderstood);
    this.#decoder.close();
    onUnderstood();
  }

  #parse(bytes: Buffer): void {
    // Decoding can be late: whoever was to change what comes out is left already.
    if (!this.#scene.isRunning) return;
    const begunAt = performance.now();
    try {
      this.#parser.push(bytes);
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#scene.exchange.overheadMs += performance.now() - begunAt;
    }
  }

  #piece(raw: Buffer, event: SseEvent | undefined): void {
    const { exchange, attempt } = this.#scene;
    if (!event) {
      this.#send(raw);
      return;
    }
    const wasTerminal = attempt.reply.terminal;
    const { output } = this.#dialect.readEvent(event, attempt.reply);
    if (output) noteOutput(this.#scene, exchange, attempt, this.#arrivedAt);
    const isFinal = attempt.reply.terminal && !wasTerminal;
    this.#wasFinal ||= isFinal;
    this.#write(new Chunk(event, raw, isFinal));
  }

  #write(chunk: Chunk): void {
    const chunks = this.#scene.passage?.onChunk(chunk) ?? [chunk];
    const { content } = this.#scene.attempt;
    for (const one of chunks) {
      const { bytes } = one;
      if (bytes.length === 0) continue;
      this.#send(bytes);
      // As the client gets it: what a middleware takes out is to be seen nowhere.
      content?.event(one.payload);
    }
  }

  #send(bytes: Buffer): void {
    if (!this.#scene.sink.write(bytes)) this.#decoder.pause();
    noteChunk(this.#scene, this.#scene.exchange, bytes);
  }

  /** Decoding is asynchronous where the reply is compressed: then the failure is told from here. */
  #fail(thrown: unknown): void {
    this.#decoder.close();
    this.#scene.fail(thrown);
  }
}
