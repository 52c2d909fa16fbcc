import type { UpstreamConfig } from '../config/config.ts';
import type { Limits } from '../limits.ts';
import { scope } from '../telemetry/names.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ConsoleInfo } from './api/console-info.ts';

/** What the service tells of itself. */
export interface ServiceFacts {
  readonly startedAt: Date;
  /** Empty as long as the data plane takes no connections. */
  readonly dataUrl: () => string;
  readonly isSimulator: boolean;
  readonly upstreams: readonly Pick<UpstreamConfig, 'name' | 'prefix' | 'url'>[];
  /** The configuration wants prompts and replies on spans. */
  readonly isContentWanted: boolean;
}

interface InfoOptions {
  readonly service: ServiceFacts;
  readonly telemetry: Pick<Telemetry, 'state'>;
  readonly limits: Pick<Limits, 'snapshotIntervalMs' | 'snapshotsMax'>;
  readonly jaegerUrl: URL | undefined;
}

/** What the console asks before it shows anything. */
export function consoleInfo(
  { service, telemetry, limits, jaegerUrl }: InfoOptions,
  hasSession: boolean,
): ConsoleInfo {
  const { enabled: isTelemetryEnabled } = telemetry.state();
  return {
    version: scope.version,
    startedAt: service.startedAt.toISOString(),
    dataUrl: service.dataUrl(),
    isSimulator: service.isSimulator,
    upstreams: service.upstreams.map(({ name, prefix, url }) => ({ name, prefix, url: addressOf(url) })),
    ...(jaegerUrl && { jaegerUrl: addressOf(jaegerUrl) }),
    isContentCaptured: isTelemetryEnabled && service.isContentWanted,
    isTelemetryEnabled,
    snapshotIntervalMs: limits.snapshotIntervalMs,
    snapshotsMax: limits.snapshotsMax,
    hasSession,
  };
}

/** A `URL` without a path has a slash in its place. */
function addressOf({ href }: URL): string {
  return href.replace(/\/$/, '');
}
