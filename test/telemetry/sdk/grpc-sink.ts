import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { decodeOtlp, type Received } from '../../support/otlp-decoder.ts';

const path = /^\/opentelemetry\.proto\.collector\.(trace|metrics|logs)\.v1\.\w+Service\/Export$/;
const signals = { trace: 'traces', metrics: 'metrics', logs: 'logs' } as const;

/**
 * A collector that is reached over gRPC: HTTP/2, and before each message five bytes that say whether it is compressed,
 * and how long it is. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export async function startGrpcSink() {
  const received: Received = { spans: [], metrics: [], logs: [] };
  const failures: unknown[] = [];
  const sessions = new Set<{ destroy(): void }>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    take(stream, String(headers[':path'])).catch((error) => {
      failures.push(error);
      stream.destroy();
    });
  });

  async function take(stream: ServerHttp2Stream, to: string): Promise<void> {
    const signal = signals[path.exec(to)?.[1] as keyof typeof signals];
    const body = await buffer(stream);
    const message = body.subarray(5);
    if (signal === undefined || body.readUInt32BE(1) !== message.length)
      throw new Error(`${to} is not OTLP over gRPC`);
    const plain = body[0] === 1 ? gunzipSync(message) : message;
    const decoded = decodeOtlp(signal, 'application/x-protobuf', plain);
    received.spans.push(...decoded.spans);
    received.metrics.push(...decoded.metrics);
    received.logs.push(...decoded.logs);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    failures,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
