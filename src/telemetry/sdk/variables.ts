import { ConfigError, type Problem } from '../../config/problems.ts';
import { type ContentPlaces, contentPlaces } from '../content-places.ts';
import { type ExporterChoice, exporterChoices } from './exporter-choice.ts';
import type { Environment } from './exporters.ts';
import { unusableVariables } from './unusable-variables.ts';

/** What the standard `OTEL_*` variables ask for, checked. Nothing of it is loaded. */
export interface StandardVariables {
  readonly isEnabled: boolean;
  /** Where prompts and replies are told. */
  readonly content: ContentPlaces;
  /** None where telemetry is disabled. */
  readonly traces: readonly ExporterChoice[];
  readonly metrics: readonly ExporterChoice[];
  readonly logs: readonly ExporterChoice[];
  /** What cannot be used, and ends no start: a line each, for the log. */
  readonly warnings: readonly string[];
}

const untakenContent =
  'prompts and replies are captured as log records, and OTEL_LOGS_EXPORTER names nobody who takes them';

/** Throws a `ConfigError` that lists every value which names something unknown. */
export function readVariables(env: Environment): StandardVariables {
  const problems: Problem[] = [];
  const content = contentPlaces(env, problems);
  const isEnabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true';
  const [traces, metrics, logs] = isEnabled
    ? [
        exporterChoices('TRACES', env, problems),
        exporterChoices('METRICS', env, problems),
        exporterChoices('LOGS', env, problems),
      ]
    : [[], [], []];
  if (problems.length > 0) throw new ConfigError(problems);
  const warnings = isEnabled ? unusableVariables(env) : [];
  if (content.isInEvents && logs.length === 0) warnings.push(untakenContent);
  return { isEnabled, content, traces, metrics, logs, warnings };
}
