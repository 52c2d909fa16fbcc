import type { RequestHandler, Response } from 'express';
import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { accessEnd } from './access.ts';
import { figuresAsJson } from './figures-as-json.ts';

export interface ServerEvent {
  /** What a reader sends as `Last-Event-ID` when it comes back. */
  readonly id?: string | number;
  /** Default `message`. */
  readonly event?: string;
  /** Sent as JSON. */
  readonly data: unknown;
}

// Buffering proxies would keep events back (nginx heeds this).
const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };

/** For HEAD. Express would take the route of GET, and a stream that nobody can read has no end. */
export const headOfStream: RequestHandler = (_request, response) => {
  response.set(headers).end();
};

type StreamLimits = Pick<Limits, 'eventStreamsMax' | 'eventStreamBytesMax' | 'eventStreamKeepAliveMs'>;

/** The readers of server-sent events; none outlives the plane that serves them. */
export class EventStreams {
  readonly #limits: StreamLimits;
  readonly #open = new Set<EventStream>();
  #isClosed = false;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Answers with a stream, which is the caller's to fill. Throws `too_many_streams` or `stopping`. */
  open(response: Response): EventStream {
    if (this.#isClosed) throw new SightlineError('stopping');
    if (this.#open.size >= this.#limits.eventStreamsMax) throw new SightlineError('too_many_streams');
    const stream = new EventStream(response, this.#limits);
    this.#open.add(stream);
    stream.onClose(() => this.#open.delete(stream));
    return stream;
  }

  /** Ends all of them. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#open) stream.close();
  }
}

/**
 * One reader of server-sent events. What it has not taken yet waits in memory, within a bound; a reader that lets
 * more wait, or takes nothing for two beats of the keep-alive, is cut off. It comes back by itself, and tells what
 * it had last. With the session that let it in, it ends at the next beat.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class EventStream {
  readonly #response: Response;
  readonly #bytesMax: number;
  readonly #keepAlive: NodeJS.Timeout;
  /** ms since the epoch. */
  readonly #accessEnd: number;
  /** Beats since it took something, where something waits. */
  #beatsWaited = 0;

  constructor(response: Response, { eventStreamBytesMax, eventStreamKeepAliveMs }: StreamLimits) {
    this.#response = response;
    this.#bytesMax = eventStreamBytesMax;
    this.#accessEnd = accessEnd(response.req);
    this.#keepAlive = setInterval(() => this.#beat(), eventStreamKeepAliveMs).unref();
    response.on('drain', () => {
      this.#beatsWaited = 0;
    });
    response.once('close', () => clearInterval(this.#keepAlive));
    response.set(headers).flushHeaders();
  }

  get isOpen(): boolean {
    return !this.#response.closed && !this.#response.writableEnded && !this.#response.destroyed;
  }

  onClose(listener: () => void): void {
    this.#response.once('close', listener);
  }

  /** False where the reader has to catch up: `drained` tells when it has. */
  send({ id, event, data }: ServerEvent): boolean {
    const lines = [
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...(event === undefined ? [] : [`event: ${event}`]),
      // JSON has no line feeds of its own.
      `data: ${JSON.stringify(data, figuresAsJson)}`,
    ];
    return this.#write(`${lines.join('\n')}\n\n`);
  }

  /** Resolves when the reader has taken what waits, or is gone. */
  drained(): Promise<void> {
    const response = this.#response;
    if (!this.isOpen || !response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        response.off('drain', over).off('close', over);
        resolve();
      };
      response.on('drain', over).on('close', over);
    });
  }

  close(): void {
    if (this.isOpen) this.#response.end();
  }

  #beat(): void {
    this.#beatsWaited = this.#response.writableNeedDrain ? this.#beatsWaited + 1 : 0;
    if (this.#beatsWaited > 2) this.#response.destroy();
    else if (Date.now() >= this.#accessEnd) this.close();
    else this.#write(':\n\n');
  }

  #write(text: string): boolean {
    if (!this.isOpen) return false;
    const isTaken = this.#response.write(text);
    if (this.#response.writableLength > this.#bytesMax) this.#response.destroy();
    return isTaken;
  }
}
