import { promisify } from 'node:util';
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflate,
  gzip,
  zstdCompress,
} from 'node:zlib';

const streams = {
  gzip: () => createGzip(),
  deflate: () => createDeflate(),
  // The default quality of 11 takes seconds for megabytes.
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: () => createZstdCompress(),
};

const brotli = promisify(brotliCompress);
const wholes: Record<EncodingName, (bytes: Buffer) => Promise<Buffer>> = {
  gzip: promisify(gzip),
  deflate: promisify(deflate),
  br: (bytes) => brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: promisify(zstdCompress),
};

export type EncodingName = keyof typeof streams;

/** The encoding that is asked for, if the client accepts it. */
export function encodingOf(
  wanted: string | undefined,
  accepted: string | undefined,
): EncodingName | undefined {
  if (wanted === undefined || accepted === undefined || !isEncodingName(wanted)) return undefined;
  const offers = accepted.split(',').map((offer) => offer.split(';'));
  const offer = offers.find(([name = '']) => name.trim() === wanted || name.trim() === '*');
  return offer && !/^\s*q=0(\.0*)?\s*$/.test(offer[1] ?? '') ? wanted : undefined;
}

function isEncodingName(name: string): name is EncodingName {
  return Object.hasOwn(streams, name);
}

export function encodeWhole(encoding: EncodingName, bytes: Buffer): Promise<Buffer> {
  return wholes[encoding](bytes);
}

/** Compresses a stream so that each piece can be read as soon as it has arrived. */
export class Encoder {
  readonly #stream: ReturnType<(typeof streams)[EncodingName]>;
  #pieces: Buffer[] = [];

  constructor(encoding: EncodingName) {
    this.#stream = streams[encoding]();
    this.#stream.on('readable', () => this.#collect());
  }

  /** The encoded bytes that a decoder needs to have this piece. */
  encode(bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject);
      this.#stream.write(bytes);
      this.#stream.flush(() => {
        this.#stream.off('error', reject);
        resolve(this.#take());
      });
    });
  }

  /** The trailer. Nothing can be encoded after it. */
  finish(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject);
      this.#stream.once('end', () => resolve(this.#take()));
      this.#stream.end();
    });
  }

  close(): void {
    this.#stream.destroy();
  }

  #collect(): void {
    for (let piece = this.#stream.read(); piece !== null; piece = this.#stream.read())
      this.#pieces.push(piece);
  }

  #take(): Buffer {
    this.#collect();
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return bytes;
  }
}
