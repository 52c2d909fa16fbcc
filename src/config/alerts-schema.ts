import { z } from 'zod';
import { isSigningSecret } from '../alerts/receivers/signature.ts';
import { severities, type Threshold, type ThresholdOverride } from '../alerts/threshold.ts';
import { thresholds } from '../alerts/thresholds.ts';
import type { Limits } from '../limits.ts';
import { baseAddress, httpAddress } from './address-schema.ts';
import type { AlertsConfig } from './config.ts';
import { headers } from './headers-schema.ts';
import { number, section, text } from './section.ts';

const secondMs = 1_000;
/** What is known goes with the process: with a longer one, a restart would make it blind for as long. */
const windowMsMax = 6 * 3_600 * secondMs;
const waitMsMax = 24 * 3_600 * secondMs;

/** In whole seconds: nothing is looked at more often, here or by a Prometheus. */
function time(min: number, max: number) {
  const error = `a number of milliseconds from ${min} to ${max}, in whole seconds`;
  // What is wrong by itself is not held against anything else.
  const check = { error, abort: true };
  return number(z.int(error).min(min, check).max(max, check).multipleOf(secondMs, check));
}

/** A limit that is always passed, or never, is a mistake. */
function limit({ comparison, unit, measure: { lowest, highest } }: Threshold) {
  const [low, high] = comparison === 'above' ? ['at least', 'below'] : ['above', 'at most'];
  const bounds = [
    ...(Number.isFinite(lowest) ? [`${low} ${lowest}`] : []),
    ...(Number.isFinite(highest) ? [`${high} ${highest}`] : []),
  ].join(' and ');
  const error = [`a number${unit && ` of ${unit}`}`, bounds].filter((part) => part !== '').join(', ');
  const isPossible = (value: number) =>
    comparison === 'above' ? value >= lowest && value < highest : value > lowest && value <= highest;
  return number(z.number(error)).refine(isPossible, error);
}

/** What may be different of a row of the table. A gauge has no window. */
function override(threshold: Threshold): z.ZodType<ThresholdOverride> {
  const shape = {
    enabled: z.boolean('true or false').optional(),
    limit: limit(threshold).optional(),
    holdMs: time(0, waitMsMax).optional(),
    keepMs: time(0, waitMsMax).optional(),
    severity: z.enum(severities, `one of ${severities.join(', ')}`).optional(),
  };
  const hasWindow = threshold.windowMs > 0;
  return hasWindow ? section({ ...shape, windowMs: time(secondMs, windowMsMax).optional() }) : section(shape);
}

const overrides = Object.fromEntries(
  thresholds.map((threshold) => [threshold.id, override(threshold).optional()]),
);

/** An address alone stands for a mapping with nothing else. */
function receiver<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => (typeof value === 'string' ? { url: value } : value), section(shape));
}

const listError = 'a list of addresses, or of mappings with the key url';

const webhook = receiver({
  url: httpAddress,
  secret: text('a text of at least 16 characters', /^.{16,}$/s)
    .refine(isSigningSecret, 'base64 after whsec_, or a text that begins with something else')
    .optional(),
  headers: headers.prefault({}),
});

const alertmanager = receiver({ url: baseAddress, headers: headers.prefault({}) });

export const thresholdsSection = section(overrides);

const members = {
  thresholds: thresholdsSection.prefault({}),
  webhooks: z.array(webhook, listError).default([]),
  alertmanagers: z.array(alertmanager, listError).default([]),
};

export const alertsSection = section(members);

export const alertsKeys = Object.keys(members);

interface Looks {
  readonly alerts: Pick<AlertsConfig, 'thresholds'>;
  readonly limits: Pick<Limits, 'snapshotIntervalMs'>;
}

/** Nobody looks twice within a window that is shorter than the interval; each of the two may be right by itself. */
export function refuseShortWindows({ alerts, limits }: Looks, context: z.RefinementCtx): void {
  const { snapshotIntervalMs } = limits;
  for (const [id, { windowMs = Number.POSITIVE_INFINITY } = {}] of Object.entries(alerts.thresholds)) {
    if (windowMs >= snapshotIntervalMs) continue;
    context.addIssue({
      code: 'custom',
      path: ['alerts', 'thresholds', id, 'windowMs'],
      message: `at least ${snapshotIntervalMs}, which is limits.snapshotIntervalMs (and for Prometheus, two of its scrapes)`,
    });
  }
}
