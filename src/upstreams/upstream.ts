import type { UpstreamConfig } from '../config/config.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { UpstreamIdentity } from '../exchange/attempt.ts';
import type { Query } from '../exchange/query.ts';
import type { Limits } from '../limits.ts';
import type { Transport, TransportRequest } from '../transports/transport.ts';
import { endToEndHeaders, type RawHeaders } from '../wire/headers.ts';
import { httpAddress, isWebSocket } from './http-address.ts';

/** What this hop sets itself: RFC 9110 §7.2 (host), §10.1.1 (expect, which the listener has answered). */
const ownHeaders = ['host', 'expect', 'content-length'];

/** A configured model backend. */
export class Upstream {
  readonly name: string;
  /** Requests below this path are its own: `/`, `/anthropic`. */
  readonly prefix: string;
  readonly url: URL;
  readonly transport: Transport;
  readonly #config: UpstreamConfig;
  readonly #basePath: string;
  readonly #host: string;
  readonly #port: number;
  readonly #setHeaders: RawHeaders;
  /** Lower case names of the headers of a request that are not passed on as they came. */
  readonly #replaced: ReadonlySet<string>;

  constructor(config: UpstreamConfig, transport: Transport) {
    this.name = config.name;
    this.prefix = config.prefix;
    this.url = config.url;
    this.transport = transport;
    this.#config = config;
    // That of a WebSocket is its own: requests travel inside, with their whole paths.
    this.#basePath = isWebSocket(config.url) ? '' : config.url.pathname.replace(/\/+$/, '');
    this.#host = config.url.host;
    this.#port = Number(config.url.port) || (httpAddress(config.url).protocol === 'https:' ? 443 : 80);
    this.#setHeaders = Object.entries(config.headers).flat();
    this.#replaced = new Set([
      ...ownHeaders,
      ...Object.keys(config.headers).map((name) => name.toLowerCase()),
    ]);
  }

  /** The service's, with its own over them. */
  get limits(): Limits {
    return this.#config.limits;
  }

  identity(dialect: Dialect | undefined): UpstreamIdentity {
    return {
      name: this.name,
      provider: this.#config.provider ?? dialect?.provider,
      address: this.url.hostname,
      port: this.#port,
    };
  }

  /** The query as this upstream gets it. `traceHeaders` replace those of the same names. */
  request(query: Query, traceHeaders: RawHeaders): TransportRequest {
    let replaced = this.#replaced;
    if (traceHeaders.length > 0) {
      // Whatever form our own context has, the client's is no longer true of this hop.
      const all = new Set(replaced).add('traceparent').add('tracestate');
      for (let i = 0; i < traceHeaders.length; i += 2) all.add((traceHeaders[i] as string).toLowerCase());
      replaced = all;
    }
    const { body } = query;
    const headers = endToEndHeaders(query.headers, replaced);
    headers.push('host', this.#host, ...this.#setHeaders, ...traceHeaders);
    const length = Buffer.isBuffer(body) ? String(body.length) : body && query.header('content-length');
    if (length !== undefined) headers.push('content-length', length);
    return {
      method: query.method,
      target: this.#basePath + query.target,
      headers,
      body,
      trailers: query.trailers,
    };
  }
}
