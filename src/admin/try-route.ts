import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';

export interface TryOptions {
  /** Of the data plane; undefined while it takes no connections. */
  readonly dataAddress: () => AddressInfo | undefined;
  readonly limits: Pick<Limits, 'queryBytesMax'>;
}

/** Sent on, and under which name: `authorization` is for the admin plane itself. */
const requestFields = {
  'content-type': 'content-type',
  'content-length': 'content-length',
  accept: 'accept',
  'x-request-id': 'x-request-id',
  'anthropic-version': 'anthropic-version',
  'x-upstream-authorization': 'authorization',
  'x-upstream-api-key': 'x-api-key',
} as const;

/** What the page is told of the reply beside its bytes. */
const replyFields = [
  'content-type',
  'content-length',
  'content-encoding',
  'x-request-id',
  'traceresponse',
  'retry-after',
] as const;

/** One slash at its beginning and visible ASCII: nothing that could name another host, or begin another line. */
const dataPath = /^\/(?![/\\])[\x21\x22\x24-\x7e]*$/;

/**
 * Queries that are sent to the service's own data plane for the page, which that plane would not let read the replies
 * (it is of another origin). They come in at the listener as any client's do.
 */
export class Tries {
  readonly #options: TryOptions;
  readonly #replies = new Set<Promise<void>>();

  constructor(options: TryOptions) {
    this.#options = options;
  }

  routes(): Router {
    const router = Router();
    router.post('/api/try', async (request, response) => {
      const reply = await send(request, response, this.#options);
      writeHead(reply, response);
      // Either end may go away in the middle, and then so does the other one.
      const passed = pipeline(reply, response).catch(() => undefined);
      this.#replies.add(passed);
      await passed;
      this.#replies.delete(passed);
    });
    return router;
  }

  /** Resolves when the replies that are on their way have come to their ends. */
  async ended(): Promise<void> {
    await Promise.all(this.#replies);
  }
}

function writeHead(reply: IncomingMessage, response: Response): void {
  for (const name of replyFields) {
    const value = reply.headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  // Whatever a model backend answers, it is never a page of the admin plane's origin.
  response.setHeader('content-security-policy', "default-src 'none'; sandbox");
  response.writeHead(reply.statusCode ?? 502).flushHeaders();
}

/** Resolves with the reply's head. The request to the data plane ends no later than the reply to the page. */
function send(
  request: Request,
  response: Response,
  { dataAddress, limits }: TryOptions,
): Promise<IncomingMessage> {
  const path = pathOf(request);
  checkLength(request, limits.queryBytesMax);
  const address = dataAddress();
  if (!address) throw new SightlineError('data_plane_closed');
  const outgoing = httpRequest({
    host: reachable(address),
    port: address.port,
    method: 'POST',
    path,
    headers: fieldsOf(request),
    // A connection of its own: when it closes, the data plane knows that nobody waits any more.
    agent: false,
  });
  response.once('close', () => {
    outgoing.destroy();
    // What nobody needs any more is read away, or it would stand before the connection's next request.
    request.unpipe().resume();
  });
  const body = bounded(limits.queryBytesMax).once('error', (error) => outgoing.destroy(error));
  // Not a pipeline, which would take the connection away from under the answer to a body that is too large.
  request.pipe(body).pipe(outgoing);
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    // Also later ones, which the reply's own stream tells too.
    outgoing.on('error', (cause) =>
      reject(cause instanceof SightlineError ? cause : new SightlineError('data_plane_closed', { cause })),
    );
  });
}

/** Throws `malformed_request` where it is no path of the data plane. */
function pathOf({ query }: Request): string {
  const { path } = query;
  if (typeof path === 'string' && dataPath.test(path)) return path;
  throw new SightlineError('malformed_request', {
    message:
      "'path' must be a path of the data plane, such as /v1/chat/completions: one slash at its beginning, without '#', blanks or control characters.",
  });
}

function fieldsOf({ headers }: Request): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [from, to] of Object.entries(requestFields)) {
    const value = headers[from];
    if (typeof value === 'string') fields[to] = value;
  }
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
    fields['content-length'] = '0';
  return fields;
}

function checkLength({ headers }: Request, bytesMax: number): void {
  if (Number(headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
}

/** Lets so many bytes through; what comes without its length is known to be longer only here. */
function bounded(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes > bytesMax) done(tooLarge(bytesMax));
      else done(null, piece);
    },
  });
}

function tooLarge(bytesMax: number): SightlineError {
  return new SightlineError('body_too_large', {
    message: `The request body is larger than ${bytesMax} bytes.`,
  });
}

/** Of a wildcard, loopback. */
function reachable({ address }: AddressInfo): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}
