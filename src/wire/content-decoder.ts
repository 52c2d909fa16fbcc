import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { SightlineError } from '../errors.ts';

export interface ContentDecoderOptions {
  /** What came out: as early as the encoder flushed it. */
  onData(chunk: Buffer): void;
  /** Once at most; nothing comes after it. `reply_too_large` over a bound, else `upstream_invalid_reply`. */
  onError(error: SightlineError): void;
  /** After a `push` that returned false: there is room again. */
  onDrain?(): void;
  /** What may come out, against zip bombs. */
  readonly decodedBytesMax: number;
  /** What may wait to be decoded. Whoever heeds `push` stays far below it. */
  readonly queueBytesMax: number;
}

/** Undoes a `content-encoding` while it streams. After an error or `close`, every call does nothing. */
export interface ContentDecoder {
  /** False: wait for `onDrain` before the next. */
  push(chunk: Buffer): boolean;
  /** No more input. The promise, where one is needed, resolves when everything came out or never will. */
  end(): Promise<void> | undefined;
  /** Holds back the output until `resume`; the input then fills up and `push` says so. */
  pause(): void;
  resume(): void;
  /** Frees what it holds; safe at any time, more than once. */
  close(): void;
}

/** RFC 9110 allows any number; more than this many has no honest use. */
const encodingsMax = 3;

/** RFC 9659: a zstd window over HTTP is 8 MiB at most. */
const zstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/** Makes the zlib stream that undoes an encoding; it may look at the first bytes. */
type Opener = (first: Buffer) => Transform;

const openers: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  // Some servers say deflate and leave out zlib's header, whose first byte ends in 8.
  ['deflate', (first) => (((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw())],
  ['br', () => createBrotliDecompress()],
  ['zstd', () => createZstdDecompress(zstdOptions)],
]);

/** `undefined` where the header names an encoding that is not known, or too many. */
export function createContentDecoder(
  header: string | undefined,
  options: ContentDecoderOptions,
): ContentDecoder | undefined {
  const names = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > encodingsMax) return undefined;
  const opens: Opener[] = [];
  for (const name of names) {
    const open = openers.get(name);
    if (open === undefined) return undefined;
    // The header lists them in the order in which they were applied: the last is undone first.
    opens.unshift(open);
  }
  const [first, ...more] = opens;
  if (first === undefined) return new Identity(options);
  return more.length === 0 ? new Stage(first, options) : new Chain(opens, options);
}

/** Nothing to undo: what goes in comes out in the same call. */
class Identity implements ContentDecoder {
  readonly #options: ContentDecoderOptions;
  #bytes = 0;
  #paused = false;
  #closed = false;

  constructor(options: ContentDecoderOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): boolean {
    if (this.#closed) return true;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.decodedBytesMax) {
      this.#closed = true;
      this.#options.onError(tooLarge('The decoded reply', this.#options.decodedBytesMax));
      return true;
    }
    this.#options.onData(chunk);
    return !this.#paused;
  }

  end(): undefined {
    return undefined;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#closed) this.#options.onDrain?.();
  }

  close(): void {
    this.#closed = true;
  }
}

/** One encoding, undone by one zlib stream. */
class Stage implements ContentDecoder {
  readonly #open: Opener;
  readonly #options: ContentDecoderOptions;
  #stream: Transform | undefined;
  #bytes = 0;
  #paused = false;
  #closed = false;
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(open: Opener, options: ContentDecoderOptions) {
    this.#open = open;
    this.#options = options;
  }

  push(chunk: Buffer): boolean {
    if (this.#closed || chunk.length === 0) return true;
    const stream = this.#stream ?? this.#start(chunk);
    if (stream.writableLength + chunk.length > this.#options.queueBytesMax) {
      this.#fail(tooLarge('What waits to be decoded', this.#options.queueBytesMax));
      return true;
    }
    return stream.write(chunk);
  }

  end(): Promise<void> | undefined {
    if (this.#closed || this.#stream === undefined) return undefined;
    if (this.#ended === undefined) {
      this.#ended = Promise.withResolvers<void>();
      this.#stream.end();
    }
    return this.#ended.promise;
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream?.destroy();
    this.#stream = undefined;
    this.#ended?.resolve();
  }

  #start(first: Buffer): Transform {
    const stream = this.#open(first);
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#pass(chunk));
    stream.on('drain', () => {
      if (!this.#closed) this.#options.onDrain?.();
    });
    stream.on('end', () => this.close());
    stream.on('error', (cause) => {
      const message = 'The reply cannot be decoded as its content-encoding says.';
      this.#fail(new SightlineError('upstream_invalid_reply', { message, cause }));
    });
    if (this.#paused) stream.pause();
    return stream;
  }

  #pass(chunk: Buffer): void {
    if (this.#closed) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.decodedBytesMax) {
      this.#fail(tooLarge('The decoded reply', this.#options.decodedBytesMax));
    } else {
      this.#options.onData(chunk);
    }
  }

  #fail(error: SightlineError): void {
    if (this.#closed) return;
    this.close();
    this.#options.onError(error);
  }
}

/** Several stages, each of which is held back while the next is full. */
class Chain implements ContentDecoder {
  readonly #stages: readonly Stage[];
  #ended: Promise<void> | undefined;

  constructor(opens: readonly Opener[], options: ContentDecoderOptions) {
    const stages: Stage[] = [];
    opens.forEach((open, i) => {
      stages.push(
        new Stage(open, {
          ...options,
          onData: (chunk) => {
            const next = stages[i + 1];
            if (next === undefined) options.onData(chunk);
            else if (!next.push(chunk)) stages[i]?.pause();
          },
          onDrain: () => {
            const previous = stages[i - 1];
            if (previous === undefined) options.onDrain?.();
            else previous.resume();
          },
          onError: (error) => {
            this.close();
            options.onError(error);
          },
        }),
      );
    });
    this.#stages = stages;
  }

  push(chunk: Buffer): boolean {
    return this.#stages[0]?.push(chunk) ?? true;
  }

  end(): Promise<void> {
    this.#ended ??= this.#endInOrder();
    return this.#ended;
  }

  pause(): void {
    this.#stages.at(-1)?.pause();
  }

  resume(): void {
    this.#stages.at(-1)?.resume();
  }

  close(): void {
    for (const stage of this.#stages) stage.close();
  }

  async #endInOrder(): Promise<void> {
    for (const stage of this.#stages) await stage.end();
  }
}

function tooLarge(what: string, bytesMax: number): SightlineError {
  return new SightlineError('reply_too_large', { message: `${what} is larger than ${bytesMax} bytes.` });
}
