import type { IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Query, type QueryBody } from '../exchange/query.ts';
import type { Limits } from '../limits.ts';

/**
 * The request as a query. What a dialect understands is collected, to be understood; other bodies stream,
 * unless they are so small that one buffer is cheaper. Rejects with `body_too_large`.
 *
 * @param target Path and query string below the upstream's prefix.
 */
export function readQuery(
  request: IncomingMessage,
  exchange: Exchange,
  target: string,
  limits: Limits,
): Query | Promise<Query> {
  const build = (body: QueryBody) =>
    new Query({
      method: exchange.request.method,
      target,
      headers: exchange.request.headers,
      body,
      trailers: () => request.rawTrailers,
    });
  const length = declaredLength(request);
  checkCoding(request);
  if (length === undefined) {
    exchange.requestBytes = 0;
    return build(undefined);
  }
  const isUnderstood = exchange.route.dialect !== undefined;
  const bytesMax = isUnderstood ? limits.queryBytesMax : limits.bodyBytesMax;
  if (length > bytesMax && length !== Number.POSITIVE_INFINITY) throw tooLarge(bytesMax);
  if (!isUnderstood && length > limits.bodyCollectBytesMax) {
    return build(streamed(request, exchange, bytesMax));
  }
  return collect(request, bytesMax).then((body) => {
    exchange.requestBytes = body.length;
    return build(body);
  });
}

/** Undefined: no body (RFC 9112 §6.3); infinity: a body of unknown length. */
function declaredLength(request: IncomingMessage): number | undefined {
  if (request.headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY;
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** Another coding than this would go on to the upstream without its name (RFC 9112 §6.1). */
function checkCoding(request: IncomingMessage): void {
  const coding = request.headers['transfer-encoding'];
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return;
  throw new SightlineError('malformed_request', {
    message: `The transfer-encoding '${coding}' is not understood; expected 'chunked'.`,
  });
}

function collect(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= bytesMax) {
        pieces.push(piece);
      } else {
        pieces.length = 0;
        reject(tooLarge(bytesMax));
      }
    });
    request.on('end', () =>
      resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes)),
    );
    request.on('error', () => reject(new SightlineError('client_aborted')));
    request.on('close', () => {
      if (!request.complete) reject(new SightlineError('client_aborted'));
    });
  });
}

/**
 * The body on its way. Not the request itself: whoever sends it destroys it when the upstream fails, and
 * that would take the client's connection, which still has to carry the reply.
 */
function streamed(request: IncomingMessage, exchange: Exchange, bytesMax: number): Readable {
  let bytes = 0;
  const body = new Transform({
    transform(piece: Buffer, _encoding, callback) {
      bytes += piece.length;
      if (bytes > bytesMax) callback(tooLarge(bytesMax));
      else callback(null, piece);
    },
    flush(callback) {
      exchange.requestBytes = bytes;
      callback();
    },
  });
  request.pipe(body);
  request.on('close', () => {
    if (!request.complete) body.destroy(new SightlineError('client_aborted'));
  });
  // The rest of a body that nobody wants any more is read away, so that the reply can be.
  body.on('close', () => {
    request.unpipe(body);
    request.resume();
  });
  body.on('error', () => undefined);
  return body;
}

function tooLarge(bytesMax: number): SightlineError {
  return new SightlineError('body_too_large', {
    message: `The request body is larger than the limit of ${bytesMax} bytes.`,
  });
}
