import { observeReply, type ReplyObserver } from '../dialects/reply-observer.ts';
import { Reply } from '../exchange/reply.ts';
import type { Peer } from '../exchange/session-facts.ts';
import type { Passage } from '../middleware/passage.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import { noteChunk, noteOutput } from './moments.ts';
import { replyHeaders } from './reply-headers.ts';
import type { ReplyHead, ReplyMode, ReplyScene } from './reply-mode.ts';

/** The upstream's bytes to the client as they come, and beside their way an observer that reads them. */
export class PassThrough implements ReplyMode {
  readonly writesEvents = false;
  readonly #scene: ReplyScene;
  readonly #head: ReplyHead;
  readonly #observer: ReplyObserver | undefined;
  #observing: Promise<void> | undefined;

  constructor(scene: ReplyScene, head: ReplyHead) {
    this.#scene = scene;
    this.#head = head;
    const { exchange, attempt, sink, limits } = scene;
    exchange.status = head.status;
    sink.head(head.status, head.statusMessage, replyHeaders(exchange, head.headers));
    exchange.overheadMs += performance.now() - (attempt.headAt ?? 0);
    const { dialect } = exchange.route;
    this.#observer =
      dialect &&
      observeReply({
        dialect,
        status: head.status,
        contentType: headerValue(head.headers, 'content-type'),
        contentEncoding: headerValue(head.headers, 'content-encoding'),
        facts: attempt.reply,
        content: attempt.content,
        limits,
        onOutput: (at) => noteOutput(scene, exchange, attempt, at),
      });
  }

  // The client comes first: it has its bytes before anybody looks at them.
  data(chunk: Buffer, at: number): void {
    const scene = this.#scene;
    if (!scene.sink.write(chunk)) scene.pause();
    this.#observer?.push(chunk, at);
    noteChunk(scene, scene.exchange, chunk);
  }

  end(trailers: RawHeaders, onUnderstood: () => void): void | Promise<void> {
    const { sink, passage } = this.#scene;
    sink.end(trailers);
    const understood = this.#observe(true);
    if (passage) return this.#leave(passage, understood, onUnderstood);
    return understood ? understood.then(onUnderstood) : onUnderstood();
  }

  cut(_by: Peer, onUnderstood: () => void): void | Promise<void> {
    const understood = this.#observe(false);
    return understood ? understood.then(onUnderstood) : onUnderstood();
  }

  async #leave(passage: Passage, understood: void | Promise<void>, onUnderstood: () => void): Promise<void> {
    await understood;
    onUnderstood();
    await passage.afterResponse(new Reply({ ...this.#head, isSent: true }));
  }

  #observe(isComplete: boolean): void | Promise<void> {
    // The client can go while what came whole is still decompressed.
    if (this.#observing) return this.#observing;
    const observer = this.#observer;
    const pending = observer?.end(isComplete);
    const note = () => {
      this.#scene.attempt.unobserved = observer?.skipped;
    };
    this.#observing = pending?.then(note);
    return this.#observing ?? note();
  }
}
