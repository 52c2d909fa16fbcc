import { z } from 'zod';
import { alertsSection, refuseShortWindows } from './alerts-schema.ts';
import { clientTraces, logLevels, type MiddlewareConfig } from './config.ts';
import { limitsSection } from './limits-schema.ts';
import { adminSection, dataSection } from './listen-schema.ts';
import { number, section, text } from './section.ts';
import { isMapping } from './tree.ts';
import { upstreamsSection } from './upstream-schema.ts';

const middlewareError = 'a name, or a mapping of one name to its options';

/** `- stream-usage`, or `- redact: { … }`. The options are for the middleware's own schema. */
const middleware = z.unknown().transform((value, context): MiddlewareConfig => {
  const entries =
    typeof value === 'string' ? [[value, undefined] as const] : isMapping(value) ? Object.entries(value) : [];
  const [name, options] = entries[0] ?? [];
  if (entries.length === 1 && name) return { name, options: options ?? undefined };
  context.addIssue({ code: 'custom', message: middlewareError });
  return z.NEVER;
});

const thresholdError = 'a number of milliseconds, 0 or more';

const telemetry = section({
  clientTrace: z.enum(clientTraces, `one of ${clientTraces.join(', ')}`).default('parent'),
  spanThresholdMs: number(z.number(thresholdError).min(0, thresholdError)).default(1),
});

export const pluginsSection = section({
  folder: text('the path of a folder').default('./plugins'),
  watch: z.boolean('true or false').default(true),
  required: z.array(text('the name of a plugin'), 'a list of names of plugins').default([]),
  config: z.record(z.string(), z.unknown(), "a mapping of plugins' names to their configuration").default({}),
});

const log = section({
  level: z.enum(logLevels, `one of ${logLevels.join(', ')}`).default('info'),
  exchanges: z.boolean('true or false').default(true),
});

const sections = {
  data: dataSection.prefault({}),
  admin: adminSection.prefault({}),
  upstreams: upstreamsSection.default({}),
  middleware: z.array(middleware, 'a list of middleware, in order').default([]),
  plugins: pluginsSection.prefault({}),
  telemetry: telemetry.prefault({}),
  alerts: alertsSection.prefault({}),
  log: log.prefault({}),
  limits: limitsSection.prefault({}),
};

/** The file, with the variables laid over it. */
export const configSchema = section(sections).superRefine(refuseShortWindows);

export const sectionNames = Object.keys(sections);

export type ConfigValues = z.output<typeof configSchema>;
