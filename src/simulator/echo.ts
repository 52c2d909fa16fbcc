import { createHash } from 'node:crypto';
import { type Exchange, header, sendJson } from './exchange.ts';

/** Reads a body of any size without keeping it. Nothing where the client left in the middle of it. */
async function digestBody({
  request,
  recorder,
}: Exchange): Promise<{ bytes: number; sha256: string } | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  await new Promise<void>((resolve) => {
    request.on('data', (piece: Buffer) => {
      recorder.requestPiece(piece);
      hash.update(piece);
      bytes += piece.length;
    });
    request.once('end', resolve);
    request.once('close', resolve);
    request.on('error', () => resolve());
  });
  recorder.requestEnded();
  return request.complete ? { bytes, sha256: hash.digest('hex') } : undefined;
}

/** Answers with what arrived, as it arrived: for tests of what a proxy forwards. */
export async function serveEcho(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const body = await digestBody(exchange);
  if (!body) return;
  const trailers = header(request, 'x-simulator-trailers') !== undefined;
  const report = JSON.stringify({
    method: request.method,
    url: request.url,
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
    bodySha256: body.sha256,
    bodyBytes: body.bytes,
    rawTrailers: request.rawTrailers,
  });
  if (!trailers) return sendJson(exchange, 200, report, ['X-Echo', 'first', 'x-echo', 'second']);

  response.writeHead(200, ['Content-Type', 'application/json', 'Trailer', 'X-Body-Sha256']);
  exchange.recorder.headSent(200);
  await exchange.line.write(Buffer.from(report));
  response.addTrailers([['X-Body-Sha256', createHash('sha256').update(report).digest('hex')]]);
  await exchange.line.end();
}

/** `POST /v1/files`: takes multipart or anything else and says what came. */
export async function serveUpload(exchange: Exchange): Promise<void> {
  const body = await digestBody(exchange);
  if (!body) return;
  const { entry } = exchange.recorder;
  const file = {
    id: `file-${body.sha256.slice(0, 24)}`,
    object: 'file',
    bytes: body.bytes,
    sha256: body.sha256,
    content_type: header(exchange.request, 'content-type') ?? null,
    created_at: Math.floor(Date.now() / 1000),
    filename: 'upload',
    purpose: 'user_data',
  };
  await sendJson(exchange, 200, JSON.stringify(file), ['x-request-id', entry.replyRequestId]);
}
