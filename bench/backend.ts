import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chunkIntervalMs, streamedReply, wholeReply } from './payloads.ts';

/**
 * The leanest model backend, and the collector: it answers without thinking, since it shares a core with
 * the generator. The simulator costs a multiple of it.
 */

const whole = Buffer.from(wholeReply());
const wholeHeaders = { 'content-type': 'application/json', 'content-length': whole.length };
const { chunks, end } = streamedReply();
const collected = Buffer.from('{}');
const collectedHeaders = { 'content-type': 'application/json', 'content-length': collected.length };

let streams = 0;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const isModel = request.url === '/v1/chat/completions';
  let wantsStream = false;
  request.on('data', (piece: Buffer) => {
    if (isModel) wantsStream ||= piece.includes('"stream":true');
  });
  request.on('end', () => {
    if (wantsStream) stream(response);
    else if (isModel) response.writeHead(200, wholeHeaders).end(whole);
    else response.writeHead(200, collectedHeaders).end(collected);
  });
});

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  let sent = 0;
  const next = () => {
    response.write(chunks[sent]);
    sent += 1;
    if (sent < chunks.length) return;
    clearInterval(ticking);
    response.end(end);
  };
  let ticking: NodeJS.Timeout | undefined;
  // Streams that begin together would send in step, and a proxy read them all at once.
  streams += 1;
  const starting = setTimeout(() => {
    ticking = setInterval(next, chunkIntervalMs);
  }, streams % chunkIntervalMs);
  response.on('close', () => {
    clearTimeout(starting);
    clearInterval(ticking);
  });
}

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`backend http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
