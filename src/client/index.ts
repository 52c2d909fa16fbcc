/**
 * A client of Sightline's stream protocol: many queries at once on one WebSocket. It runs in Node, Deno, Bun and
 * browsers, and needs no other package.
 *
 *     const sightline = connect('ws://localhost:4000/stream');
 *     const reply = await sightline.query({ path: '/v1/chat/completions', body: { model, messages } });
 *     for await (const { data } of sightline.query({ path, body: { model, messages, stream: true } })) show(data);
 *     await sightline.close();
 */
import { type ConnectOptions, settingsOf } from './options.ts';
import { StreamClient } from './stream-client.ts';

/**
 * Begins to connect, and returns at once: queries wait for the connection. Throws a `TypeError` where the address
 * is none of a WebSocket, or the platform's WebSocket cannot do what is wanted.
 */
export function connect(url: string | URL, options: ConnectOptions = {}): StreamClient {
  return new StreamClient(settingsOf(url, options));
}

export type {
  ConnectionState,
  ConnectOptions,
  HeartbeatOptions,
  QueryOptions,
  ReconnectOptions,
  SendOptions,
  SentMessage,
  ServerEvent,
  StateChange,
} from './options.ts';
export type { Query } from './query.ts';
export {
  type ClientErrorCode,
  QueryError,
  type QueryErrorCode,
  type QueryErrorDetail,
} from './query-error.ts';
export type { Answer, JsonObject, Reply, ReplyEvent } from './reply.ts';
export type { StreamClient } from './stream-client.ts';
export type { WebSocketClass, WebSocketLike } from './web-socket.ts';
