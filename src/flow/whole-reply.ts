import type { Dialect } from '../dialects/dialect.ts';
import { errorName } from '../dialects/error-name.ts';
import { SightlineError } from '../errors.ts';
import { Reply } from '../exchange/reply.ts';
import type { Peer } from '../exchange/session-facts.ts';
import { createContentDecoder } from '../wire/content-decoder.ts';
import { headerValue, type RawHeaders, withoutHeaders } from '../wire/headers.ts';
import { noteChunk } from './moments.ts';
import { sendReply } from './own-reply.ts';
import { replyHeaders } from './reply-headers.ts';
import type { ReplyHead, ReplyMode, ReplyScene } from './reply-mode.ts';

const encodingHeader = new Set(['content-encoding']);

/** A whole reply that a middleware reads: held until it is complete, then through `afterResponse`. */
export class WholeReply implements ReplyMode {
  readonly writesEvents = false;
  readonly #scene: ReplyScene;
  readonly #head: ReplyHead;
  readonly #dialect: Dialect;
  /** As they came: what nobody changes goes out as it is. */
  readonly #raw: Buffer[] = [];
  #bytes = 0;

  constructor(scene: ReplyScene, head: ReplyHead, dialect: Dialect) {
    this.#scene = scene;
    this.#head = head;
    this.#dialect = dialect;
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { replyReadBytesMax } = this.#scene.limits;
    if (this.#bytes > replyReadBytesMax) {
      throw new SightlineError('reply_too_large', {
        message: `The reply is larger than ${replyReadBytesMax} bytes, and a middleware has to read it.`,
      });
    }
    this.#raw.push(chunk);
  }

  async end(trailers: RawHeaders, onUnderstood: () => void): Promise<void> {
    const { exchange, passage, sink } = this.#scene;
    const endedAt = performance.now();
    const body = await this.#decoded();
    // Its headers tell of the body as middleware sees it, which is no longer compressed.
    const headers = withoutHeaders(this.#head.headers, encodingHeader);
    const reply = new Reply({ ...this.#head, headers, body });
    this.#understand(reply);
    onUnderstood();
    const answer = (await passage?.afterResponse(reply)) ?? reply;
    if (!this.#scene.isRunning) return;
    if (answer === reply) {
      exchange.status = reply.status;
      sink.head(reply.status, reply.statusMessage, replyHeaders(exchange, this.#head.headers));
      for (const chunk of this.#raw) sink.write(chunk);
      sink.end(trailers);
    } else {
      sendReply(exchange, sink, answer);
    }
    if (answer.body) noteChunk(this.#scene, exchange, answer.body);
    for (const { bytes } of answer.chunks ?? []) noteChunk(this.#scene, exchange, bytes);
    this.#noteContent(answer);
    exchange.overheadMs += performance.now() - endedAt;
  }

  cut(_by: Peer, onUnderstood: () => void): void {
    onUnderstood();
  }

  /** As the client gets it: what a middleware takes out is to be seen nowhere, and of what it refuses nothing is. */
  #noteContent(answer: Reply): void {
    const { content } = this.#scene.attempt;
    if (!content || answer.status >= 400) return;
    if (answer.chunks) for (const chunk of answer.chunks) content.event(chunk.payload);
    else content.whole(answer.payload);
  }

  #understand(reply: Reply): void {
    const { attempt } = this.#scene;
    const { payload } = reply;
    if (!payload) {
      attempt.unobserved = 'malformed';
    } else if (reply.status < 400) {
      this.#dialect.readReply(payload, attempt.reply);
    } else {
      const error = errorName(payload);
      if (error !== undefined) attempt.reply.error = error;
    }
  }

  async #decoded(): Promise<Buffer> {
    const encoding = headerValue(this.#head.headers, 'content-encoding');
    if (encoding === undefined) return Buffer.concat(this.#raw);
    const { replyReadBytesMax } = this.#scene.limits;
    const pieces: Buffer[] = [];
    let failure: unknown;
    const decoder = createContentDecoder(encoding, {
      onData: (piece) => pieces.push(piece),
      onError: (error) => {
        failure = error;
      },
      decodedBytesMax: replyReadBytesMax,
      queueBytesMax: replyReadBytesMax,
    });
    if (!decoder) {
      throw new SightlineError('upstream_invalid_reply', {
        message: `A middleware has to read the reply, and its content-encoding '${encoding}' is unknown.`,
      });
    }
    for (const chunk of this.#raw) decoder.push(chunk);
    await decoder.end();
    if (failure) {
      throw new SightlineError('upstream_invalid_reply', {
        message: `A middleware has to read the reply, and its content-encoding '${encoding}' cannot be decoded.`,
        cause: failure,
      });
    }
    return Buffer.concat(pieces);
  }
}
