import { z } from 'zod';
import { isSigningSecret } from '../alerts/receivers/signature.ts';
import { severities, type Threshold, type ThresholdOverride } from '../alerts/threshold.ts';
import { thresholds } from '../alerts/thresholds.ts';
import { headers } from './headers-schema.ts';
import { number, section, text } from './section.ts';

const secondMs = 1_000;
/** Of a longer one, every look within it would be kept here, and a restart would make it blind for as long. */
const windowMsMax = 6 * 3_600 * secondMs;
const holdMsMax = 24 * 3_600 * secondMs;

/** In whole seconds: nothing is looked at more often, here or by a Prometheus. */
function time(min: number, max: number) {
  const error = `a number of milliseconds from ${min} to ${max}, in whole seconds`;
  return number(z.int(error).min(min, error).max(max, error).multipleOf(secondMs, error));
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
    holdMs: time(0, holdMsMax).optional(),
    severity: z.enum(severities, `one of ${severities.join(', ')}`).optional(),
  };
  const hasWindow = threshold.windowMs > 0;
  return hasWindow ? section({ ...shape, windowMs: time(secondMs, windowMsMax).optional() }) : section(shape);
}

const overrides = Object.fromEntries(
  thresholds.map((threshold) => [threshold.id, override(threshold).optional()]),
);

const addressError = 'an address that begins with http:// or https://';

const webhookAddress = text(addressError).transform((value, context) => {
  const url = /^https?:\/\//i.test(value) ? URL.parse(value) : null;
  if (url === null) return refuse(context, addressError);
  if (url.username || url.password) return refuse(context, 'an address without user name and password');
  return url;
});

/** The path of the API is appended. */
const alertmanagerAddress = webhookAddress.transform((url, context) => {
  if (url.search || url.hash) return refuse(context, 'an address without query and fragment');
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
});

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const webhook = z.preprocess(
  (value) => (typeof value === 'string' ? { url: value } : value),
  section({
    url: webhookAddress,
    secret: text('a text of at least 16 characters', /^.{16,}$/s)
      .refine(isSigningSecret, 'base64 after whsec_, or a text that begins with something else')
      .optional(),
    headers: headers.prefault({}),
  }),
);

export const alertsSection = section({
  thresholds: section(overrides).prefault({}),
  webhooks: z.array(webhook, 'a list of addresses, or of mappings with the key url').default([]),
  alertmanagers: z.array(alertmanagerAddress, 'a list of addresses').default([]),
});
