import type { ExchangeView } from '../../../src/exchange/view.ts';
import type { Service } from '../../../src/service.ts';
import { startService, type TestServiceOptions } from '../../support/service.ts';
import {
  openRawClient,
  type RawClientOptions,
  type RawPeer,
  type RawUpstream,
  startRawUpstream,
} from './raw-session.ts';

export interface StageOptions extends TestServiceOptions {
  readonly limits?: Readonly<Record<string, number>>;
  readonly upstream?: RawUpstream;
}

/** A service between a client and an upstream whose every byte is the test's. */
export class SessionStage implements AsyncDisposable {
  readonly service: Service;
  readonly upstream: RawUpstream;
  readonly #ended = Promise.withResolvers<ExchangeView>();
  readonly #peers: RawPeer[] = [];
  #error: string | undefined;
  /** Of the session's span, once it has ended. */
  attributes: Readonly<Record<string, unknown>> = {};

  private constructor(service: Service, upstream: RawUpstream) {
    this.service = service;
    this.upstream = upstream;
    service.hooks.registerHook('exchange.error', ({ error }) => {
      this.#error ??= error.code;
    });
    service.hooks.registerHook('exchange.ended', ({ exchange }) => {
      this.attributes = service.telemetry.traces.list(1)[0]?.attributes ?? {};
      this.#ended.resolve(exchange);
    });
  }

  static async start(options: StageOptions = {}): Promise<SessionStage> {
    const upstream = options.upstream ?? (await startRawUpstream());
    const config = { ...options.config, upstreams: { default: upstream.url }, limits: options.limits ?? {} };
    const service = await startService({ ...options, config });
    return new SessionStage(service, upstream);
  }

  async session(options: RawClientOptions = {}): Promise<{ client: RawPeer; upstream: RawPeer }> {
    const [client, upstream] = await Promise.all([
      openRawClient(this.service.dataUrl, options),
      this.upstream.next(),
    ]);
    this.#peers.push(client, upstream);
    return { client, upstream };
  }

  /** How the first session ended: its outcome, and the code of its error where there was one. */
  async ending(): Promise<string> {
    const { outcome } = await this.#ended.promise;
    return this.#error === undefined ? `${outcome}` : `${outcome}: ${this.#error}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // They would be waited for.
    for (const peer of this.#peers) peer.vanish();
    await this.service.stop();
    await this.upstream[Symbol.asyncDispose]();
  }
}
