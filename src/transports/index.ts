import type { UpstreamConfig } from '../config/config.ts';
import { HttpTransport } from './http-transport.ts';
import type { Transport } from './transport.ts';
import { WebSocketTransport } from './websocket-transport.ts';

type CreateTransport = (
  upstream: Pick<UpstreamConfig, 'url' | 'limits' | 'headers' | 'compression'>,
) => Transport;

const http: CreateTransport = ({ url, limits }) => new HttpTransport(url, limits);
const webSocket: CreateTransport = (upstream) => new WebSocketTransport(upstream, upstream.limits);

/** The transports, by the scheme of an upstream's address. */
const transports: Readonly<Record<string, CreateTransport>> = {
  'http:': http,
  'https:': http,
  'ws:': webSocket,
  'wss:': webSocket,
};

/** The transport to an upstream. The configuration lets no other scheme through. */
export const createTransport: CreateTransport = (upstream) => {
  const create = transports[upstream.url.protocol];
  if (!create) throw new TypeError(`There is no transport for '${upstream.url.protocol}'.`);
  return create(upstream);
};
