import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Limits } from '../limits.ts';
import type { Upgrade } from '../session/session.ts';
import { HttpSink } from './http-sink.ts';

/** For an answer to a handshake that is no WebSocket. It is the last one on its connection. */
export function handshakeSink(
  { request, socket }: Upgrade,
  limits: Pick<Limits, 'clientStallTimeoutMs' | 'lingerTimeoutMs'>,
  onClose: (isSent: boolean) => void,
): HttpSink {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  // Node's server has let go of the connection, and with it of what it does for replies.
  socket.on('drain', () => response.emit('drain'));
  response.once('finish', () => {
    response.detachSocket(socket as Socket);
    response.emit('close');
    linger(socket as Socket, limits.lingerTimeoutMs);
  });
  socket.resume();
  const sink = new HttpSink(response, limits);
  sink.watcher = { onDrain: () => undefined, onStall: () => socket.destroy(), onClose };
  return sink;
}

/** What still comes is read away: closing before that resets the connection, and takes the reply with it. */
function linger(socket: Socket, timeoutMs: number): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), timeoutMs).unref();
  socket.once('close', () => clearTimeout(timer));
}
