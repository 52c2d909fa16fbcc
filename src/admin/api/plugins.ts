import type { Time } from './time.ts';

/** `/api/plugins` */
export interface PluginsView {
  readonly folder: string;
  readonly watch: boolean;
  readonly generation: number;
  readonly draining: readonly {
    readonly generation: number;
    readonly exchanges: number;
    readonly plugins: readonly string[];
  }[];
  /** Versions that were unloaded and are still held in memory. */
  readonly leaks: readonly { readonly plugin: string; readonly version: string }[];
  readonly plugins: readonly PluginView[];
}

export interface PluginView {
  readonly name?: string;
  readonly version?: string;
  readonly state: string;
  readonly file: string;
  readonly loadedAt?: Time;
  readonly files?: readonly string[];
  /** Name → range. Of the active version; where none is, of the one that was rejected, if it got so far. */
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** Of both kinds, the names of those that are not active in the range. */
  readonly unmet?: readonly string[];
  readonly dependents?: readonly string[];
  readonly middleware?: readonly (GuardedView & {
    readonly name: string;
    readonly priority: number;
    readonly onFailure: string;
  })[];
  readonly hooks?: readonly (GuardedView & { readonly point: string; readonly priority: number })[];
  readonly messageTypes?: readonly (GuardedView & { readonly type: string })[];
  readonly restarts?: number;
  readonly fileIsGoneButNeededBy?: readonly string[];
  readonly rejected?: {
    readonly version?: string;
    readonly step: string;
    readonly message: string;
    readonly file: string;
    readonly line?: number;
    readonly column?: number;
    readonly at: Time;
  };
}

/** Something of a plugin that is called, and kept out where it fails again and again. */
export interface GuardedView {
  readonly breaker?: string;
  /** Since this version was loaded. */
  readonly lastError?: {
    /** The callback, the point, or the step of a message type. */
    readonly in: string;
    /** The beginning of what it threw, without what looks like a key. */
    readonly message: string;
    readonly at: Time;
  };
}
