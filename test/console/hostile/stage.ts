import type { ExchangeLine, ExchangesWindow } from '../../../src/admin/api/exchanges.ts';
import type { Service } from '../../../src/service.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../../plugins/folder.ts';
import { Browser, type PageOptions, type WatchedPage } from '../../support/browser.ts';
import { startHostileBackend } from './backend.ts';
import { saveHostilePlugins } from './plugin.ts';
import { sendHostileTraffic } from './traffic.ts';

/** A browser, and a service through which hostile traffic has come. */
export class HostileStage implements AsyncDisposable {
  readonly service: Service;
  /** Of all that has come, the last first. */
  readonly lines: readonly ExchangeLine[];
  readonly #browser: Browser;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    service: Service,
    lines: readonly ExchangeLine[],
    browser: Browser,
    parts: AsyncDisposableStack,
  ) {
    this.service = service;
    this.lines = lines;
    this.#browser = browser;
    this.#parts = parts;
  }

  /** @param capture Of `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`. */
  static async start(capture: string): Promise<HostileStage> {
    await using parts = new AsyncDisposableStack();
    const folder = parts.use(await PluginFolder.create());
    await saveHostilePlugins(folder);
    const backend = parts.use(await startHostileBackend());
    const simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    });
    parts.defer(() => simulator.close());
    const config = {
      upstreams: { default: backend.url, simulator: simulator.url },
      limits: { snapshotIntervalMs: 100 },
      alerts: { thresholds: { 'plugin-rejected': { holdMs: 0 } } },
    };
    const otel = {
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: capture,
    };
    const service = parts.use(await startWithFolder(folder, config, { otel }));
    await sendHostileTraffic(service);
    const known = await fetch(`${service.adminUrl}/api/exchanges`);
    const { exchanges } = (await known.json()) as ExchangesWindow;
    const browser = parts.use(await Browser.open());
    return new HostileStage(service, exchanges, browser, parts.move());
  }

  /** @param address As `#/live`. */
  page(address: string, options?: PageOptions): Promise<WatchedPage> {
    return this.#browser.page(`${this.service.adminUrl}/${address}`, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}
