import type { AddressInfo } from 'node:net';
import { AdminPlane, type Readiness } from './admin/admin-plane.ts';
import { withAdminToken } from './admin/token-file.ts';
import { Alerts } from './alerts/alerts.ts';
import { effectiveThresholds, windowMaxMs } from './alerts/effective.ts';
import { deliveryResults } from './alerts/receivers/delivery-queue.ts';
import { identityOf, type Receiver } from './alerts/receivers/notification.ts';
import { createReceivers, receiverKinds } from './alerts/receivers/receivers.ts';
import type { Config, UpstreamConfig } from './config/config.ts';
import { describeError } from './errors.ts';
import { withDeadline } from './exchange/deadline.ts';
import { drain } from './flow/drain.ts';
import type { FlowServices } from './flow/flow.ts';
import { InFlight } from './flow/in-flight.ts';
import type { HookFailure } from './hooks/hook-run.ts';
import type { HookRunnerOptions } from './hooks/hook-runner.ts';
import { HookSystem } from './hooks/hook-system.ts';
import type { HookPoint } from './hooks/points.ts';
import { rejectionCodes } from './listener/client-error.ts';
import { DataPlane } from './listener/data-plane.ts';
import { listenUrl } from './listener/listen-url.ts';
import { createLog, type Logger } from './log.ts';
import type { MessageType } from './messages/message-type.ts';
import { readMessageType } from './messages/read-message-type.ts';
import { createMiddleware } from './middleware/builtin/index.ts';
import type { Middleware } from './middleware/middleware.ts';
import { stackEntry } from './middleware/stack.ts';
import { Plugins } from './plugins/plugins.ts';
import { type Simulator, startSimulator } from './simulator/simulator.ts';
import { MetricsCollector } from './snapshots/metrics-collector.ts';
import { PluginFigures } from './snapshots/plugin-figures.ts';
import { ProcessFigures } from './snapshots/process-figures.ts';
import { UpstreamFigures } from './snapshots/upstream-figures.ts';
import type { LogLines } from './telemetry/logs/log-lines.ts';
import { openLines } from './telemetry/logs/open-lines.ts';
import type { MaybeTerminal } from './telemetry/logs/terminal.ts';
import { attribute } from './telemetry/names.ts';
import { PluginRecorder } from './telemetry/plugin-recorder.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { createTransport } from './transports/index.ts';
import { Probes, probeTarget } from './upstreams/probe.ts';
import { Upstream } from './upstreams/upstream.ts';

export interface ServiceOptions {
  readonly config: Config;
  /** The standard `OTEL_*` variables are read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Middleware of the embedding program, after that of the configuration. */
  readonly middleware?: readonly Middleware[];
  /** Message types of the embedding program, for WebSockets; no plugin can take them. */
  readonly messageTypes?: readonly MessageType[];
  /** Where the log goes, in place of standard output. */
  readonly stdout?: MaybeTerminal;
  /** Told of the service before anything of it runs, plugins too. */
  readonly onCreated?: (service: Service) => void;
}

/** What there is before the service itself. */
interface Parts {
  readonly log: Logger;
  readonly lines: LogLines;
  readonly telemetry: Telemetry;
  readonly simulator: Simulator | undefined;
  readonly receivers: readonly Receiver[];
}

/**
 * The composition root: the one place that knows everybody. It reads in the order of a request, from the
 * listener to telemetry.
 */
export class Service {
  /** Those of the service itself; each generation of plugins has its own beside them. */
  readonly hooks: HookSystem;
  readonly plugins: Plugins;
  readonly telemetry: Telemetry;
  readonly inFlight: InFlight;
  readonly collector: MetricsCollector;
  readonly alerts: Alerts;
  /** The embedded model backend, where no upstream is configured. */
  readonly simulator: Simulator | undefined;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #lines: LogLines;
  readonly #dataPlane: DataPlane;
  readonly #adminPlane: AdminPlane;
  readonly #upstreams: readonly Upstream[];
  #readiness: Readiness = 'starting';
  #stopped: Promise<void> | undefined;
  #dataAddress: AddressInfo | undefined;
  #dataUrl = '';
  #adminUrl = '';

  private constructor(
    { config, middleware = [], messageTypes = [] }: ServiceOptions,
    { log, lines, telemetry, simulator, receivers }: Parts,
  ) {
    const { limits } = config;
    this.#config = config;
    this.#log = log;
    this.#lines = lines;
    this.telemetry = telemetry;
    this.simulator = simulator;
    this.inFlight = new InFlight();
    telemetry.watch(() => this.inFlight.exchanges());
    const hookOptions = hookOptionsOf(config, telemetry, log);
    this.hooks = new HookSystem(hookOptions);
    this.plugins = new Plugins(config.plugins, {
      limits,
      log,
      config: config.plugins.config,
      hooks: this.hooks,
      createHooks: () => new HookSystem(hookOptions, this.hooks),
      middleware: [...createMiddleware(config.middleware), ...middleware].map(stackEntry),
      messageTypes: messageTypes.map(readMessageType),
      stackOptions: {
        timeoutMs: limits.middlewareTimeoutMs,
        onFailure: (name, error) => log.warn({ middleware: name, ...describeError(error) }, error.message),
      },
      services: (parts): FlowServices => ({
        ...parts,
        recorder: telemetry.recorder,
        inFlight: this.inFlight,
        limits,
        log,
      }),
      meter: (name) => telemetry.pluginMeter(name),
      tracer: (name) => telemetry.pluginTracer(name),
      hookFailed: (point, plugin, error) => hookOptions.onFailure(point, plugin, 'threw', error, undefined),
      forget: (name) => telemetry.forgetPlugin(name),
      telemetry: new PluginRecorder(telemetry),
    });
    const upstreamConfigs = simulator ? [embeddedUpstream(config, simulator)] : config.upstreams;
    this.#upstreams = upstreamConfigs.map((one) => new Upstream(one, createTransport(one)));
    this.#dataPlane = new DataPlane({
      ...config.data,
      upstreams: this.#upstreams,
      // Those of now: an exchange keeps what it began with.
      services: () => this.plugins.services,
      onRejection: ({ code }) => telemetry.instruments.rejections.add(1, { [attribute.errorType]: code }),
    });
    telemetry.expect({
      upstreams: upstreamConfigs.map(({ name }) => name),
      rejections: rejectionCodes,
      receivers: receiverKinds(config.alerts),
      results: deliveryResults,
    });
    const { instruments } = telemetry;
    const probes = new Probes(upstreamConfigs.map(probeTarget), limits);
    const thresholds = effectiveThresholds(config.alerts.thresholds);
    this.collector = new MetricsCollector({
      limits,
      windowMaxMs: windowMaxMs(thresholds),
      metrics: telemetry.page,
      process: new ProcessFigures({ instruments }),
      inFlight: () => this.inFlight.exchanges().filter(({ place }) => place.kind !== 'session').length,
      plugins: new PluginFigures(this.plugins.manager, instruments, limits),
      upstreams: new UpstreamFigures(probes, instruments, log),
      log,
    });
    this.alerts = new Alerts({
      thresholds,
      collector: this.collector,
      hooks: this.hooks,
      currentHooks: () => this.plugins.services.hooks,
      receivers,
      identity: identityOf(telemetry.resource),
      instruments,
      limits,
      log,
    });
    this.#adminPlane = new AdminPlane({
      ...config.admin,
      service: {
        startedAt: new Date(),
        dataUrl: () => this.#dataUrl,
        isSimulator: simulator !== undefined,
        upstreams: upstreamConfigs,
        isContentWanted: telemetry.contentPlaces.isOnSpans,
      },
      telemetry,
      inFlight: this.inFlight,
      probes,
      plugins: this.plugins,
      collector: this.collector,
      alerts: this.alerts,
      limits,
      dataAddress: () => this.#dataAddress,
      log,
      readiness: () => this.#readiness,
    });
  }

  /** Resolves when both planes take connections. Rejects where something of the configuration cannot be had. */
  static async start(options: ServiceOptions): Promise<Service> {
    const config = await withAdminToken(options.config);
    const { limits } = config;
    const lines = await openLines(options.stdout ?? process.stdout, limits);
    try {
      return await Service.#start({ ...options, config }, lines);
    } catch (thrown) {
      await lines.close(limits.flushTimeoutMs);
      throw thrown;
    }
  }

  static async #start(options: ServiceOptions, lines: LogLines): Promise<Service> {
    const { config, env } = options;
    const { limits } = config;
    const log = createLog(config.log.level, lines);
    const telemetry = await Telemetry.start({
      ...config.telemetry,
      areExchangesLogged: config.log.exchanges,
      env,
      limits,
      log,
      lines,
    });
    const simulator = config.upstreams.length === 0 ? await startSimulator() : undefined;
    let service: Service | undefined;
    try {
      const receivers = await createReceivers(config.alerts, {
        limits: config.limits,
        log,
        instruments: telemetry.instruments,
        identity: identityOf(telemetry.resource),
        generatorUrl: (id) => `${service?.adminUrl}/#/alerts?alert=${id}`,
      });
      service = new Service(options, { log, lines, telemetry, simulator, receivers });
      options.onCreated?.(service);
      service.#adminUrl = listenUrl(await service.#adminPlane.listen());
      await service.plugins.start();
      service.#dataAddress = await service.#dataPlane.listen();
      service.#dataUrl = listenUrl(service.#dataAddress);
      service.alerts.start();
      service.collector.start();
      service.#readiness = 'ready';
      return service;
    } catch (thrown) {
      if (service) await Promise.all([service.plugins.stop(), service.#adminPlane.close()]);
      await simulator?.close();
      await telemetry.stop(limits.flushTimeoutMs);
      throw thrown;
    }
  }

  get dataUrl(): string {
    return this.#dataUrl;
  }

  /** For those who start the service, to tell of it what it does not know itself. */
  get log(): Logger {
    return this.#log;
  }

  get adminUrl(): string {
    return this.#adminUrl;
  }

  /**
   * Readiness turns off, listeners close, exchanges in flight end or are ended at the deadline, telemetry is
   * flushed. Idempotent; never rejects.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { limits } = this.#config;
    this.#readiness = 'stopping';
    this.collector.stop();
    const alertsAreTold = this.alerts.stop();
    this.#dataPlane.stopListening();
    this.#dataAddress = undefined;
    await drain(this.inFlight, limits, this.#log);
    await this.#dataPlane.close();
    await this.#stopPlugins();
    await Promise.all(this.#upstreams.map((upstream) => upstream.transport.close(0)));
    await alertsAreTold;
    await this.telemetry.stop(limits.flushTimeoutMs);
    await this.#adminPlane.close();
    await this.simulator?.close();
    await this.#lines.close(limits.flushTimeoutMs);
  }

  /** Each `cleanup` has its deadline; all of them together have one as well. */
  async #stopPlugins(): Promise<void> {
    const { pluginCleanupTimeoutMs } = this.#config.limits;
    try {
      await withDeadline(this.plugins.stop(), pluginCleanupTimeoutMs);
    } catch {
      this.#log.warn(`plugins were not cleaned up within ${pluginCleanupTimeoutMs} ms`);
    }
  }
}

function hookOptionsOf(config: Config, telemetry: Telemetry, log: Logger): HookRunnerOptions {
  const count = (point: HookPoint, owner: string, failure: HookFailure) =>
    telemetry.instruments.hookErrors.add(1, {
      [attribute.hookPoint]: point,
      // Plugins come and go.
      [attribute.hookOwner]: telemetry.labels.bound(attribute.hookOwner, owner),
      [attribute.hookFailure]: failure,
    });
  return {
    timeoutMs: config.limits.hookTimeoutMs,
    pendingMax: config.limits.hooksPendingMax,
    onFailure: (point, owner, failure, error, frames) => {
      count(point, owner, failure);
      log.warn(
        { point, owner, failure, ...describeError(error, frames) },
        `a hook callback of '${owner}' at ${point} ${failure}`,
      );
    },
    onSkipped: (point, owner) => count(point, owner, 'skipped'),
    onRun: (run) => telemetry.hookRan(run),
  };
}

function embeddedUpstream(config: Config, simulator: Simulator): UpstreamConfig {
  return {
    name: 'default',
    prefix: '/',
    url: new URL(simulator.url),
    provider: undefined,
    headers: {},
    probe: { path: '/' },
    compression: false,
    limits: config.limits,
  };
}
