import type { ThresholdOverride } from '../alerts/threshold.ts';
import type { Limits } from '../limits.ts';

/** The whole configuration: checked, frozen, every default filled in. */
export interface Config {
  /** The file that was read, as an absolute path. */
  readonly source: string | undefined;
  readonly data: DataConfig;
  readonly admin: AdminConfig;
  /** In the order of the file. None at all: the composition root starts the simulator. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly middleware: readonly MiddlewareConfig[];
  readonly plugins: PluginsConfig;
  readonly telemetry: TelemetryConfig;
  readonly alerts: AlertsConfig;
  readonly log: LogConfig;
  readonly limits: Limits;
}

export interface ListenConfig {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface DataConfig extends ListenConfig {
  /** Of pages that may open WebSockets, beside those of the data plane's own address; `*`: all. */
  readonly origins: readonly string[];
}

export interface AdminConfig extends ListenConfig {
  readonly token: string | undefined;
  /** Absolute, in place of `token`. One that does not exist is made at the start, with a random token in it. */
  readonly tokenFile: string | undefined;
  /** Where people open Jaeger: http or https; no credentials, query or fragment; the path has no slash at its end. */
  readonly jaegerUrl: URL | undefined;
}

export interface UpstreamConfig {
  readonly name: string;
  /** `/` for the upstream named `default`, `/anthropic` for one named `anthropic`. */
  readonly prefix: string;
  /** http, https, ws or wss; no credentials, query or fragment; the path has no slash at its end. */
  readonly url: URL;
  /** `gen_ai.provider.name`, where the dialect's own is not wanted. */
  readonly provider: string | undefined;
  /** Set on each request, in place of the client's. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** How it is asked, in the background and for `/readyz`, whether it is there; `false`: not at all. */
  readonly probe: { readonly path: string } | false;
  /** Offer permessage-deflate (RFC 7692) on the connection to a ws:// address. */
  readonly compression: boolean;
  /** The global limits with the upstream's own over them. */
  readonly limits: Limits;
}

export interface MiddlewareConfig {
  readonly name: string;
  /** For the middleware's own schema. */
  readonly options: unknown;
}

export interface PluginsConfig {
  /** Absolute. One that does not exist may appear later. */
  readonly folder: string;
  /** Look for changes by itself; otherwise only when the admin plane is asked to. */
  readonly watch: boolean;
  /** Names of plugins without which the service does not start, and which are never unloaded. */
  readonly required: readonly string[];
  /** For each plugin by its name, for the plugin's own schema. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface TelemetryConfig {
  /** What becomes of a trace context that the client sends. */
  readonly clientTrace: (typeof clientTraces)[number];
  /** Middleware that took less gets no span of its own. */
  readonly spanThresholdMs: number;
}

export interface LogConfig {
  readonly level: LogLevel;
  /** A line for each request, session and turn when it ends. */
  readonly exchanges: boolean;
}

export interface AlertsConfig {
  /** By id of a row of `alerts/thresholds.ts`. */
  readonly thresholds: Readonly<Partial<Record<string, ThresholdOverride>>>;
  /** Each is told of every alert that fires or resolves. */
  readonly webhooks: readonly WebhookConfig[];
  /** They are told through their API. */
  readonly alertmanagers: readonly AlertmanagerConfig[];
}

export interface AlertmanagerConfig {
  /** Its base address; the path of the API comes after its own. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

export interface WebhookConfig {
  readonly url: URL;
  /** Signs the body: HMAC with SHA-256. */
  readonly secret: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export const clientTraces = ['parent', 'link', 'ignore'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
