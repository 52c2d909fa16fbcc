import type { Time } from './time.ts';

/** `/api/console`: what the console has to know of the service before it shows anything. */
export interface ConsoleInfo {
  readonly version: string;
  readonly startedAt: Time;
  readonly dataUrl: string;
  /** The embedded model backend answers. */
  readonly isSimulator: boolean;
  readonly upstreams: readonly { readonly name: string; readonly prefix: string; readonly url: string }[];
  /** Address of Jaeger, without a slash at its end. */
  readonly jaegerUrl?: string;
  /** Prompts and replies are captured on spans. */
  readonly isContentCaptured: boolean;
  /** False with `OTEL_SDK_DISABLED`: then there are no traces, and no figures of traffic. */
  readonly isTelemetryEnabled: boolean;
  readonly snapshotIntervalMs: number;
  readonly snapshotsMax: number;
  /** A token was asked for: the session can be ended. */
  readonly hasSession: boolean;
}
