import { z } from 'zod';
import { alertsKeys, refuseShortWindows, thresholdsSection } from './alerts-schema.ts';
import type { KeyPath } from './key-path.ts';
import { limitsSection } from './limits-schema.ts';
import { adminSection } from './listen-schema.ts';
import { pluginsSection, sectionNames } from './schema.ts';
import { section } from './section.ts';

/** The file, as far as a command reads it: where it runs, the secrets are not at hand that other places want. */
export interface ConfigPart<Values> {
  readonly schema: z.ZodType<Values>;
  /** Each with all that is under it. */
  readonly paths: readonly KeyPath[];
}

/** Whether the schema looks at what stands there. */
export function isInPart({ paths }: ConfigPart<unknown>, path: KeyPath): boolean {
  return paths.some((read) => read.every((key, index) => path[index] === key));
}

/** What stands in other places may be anything; a key that is in no place at all is a mistake here, too. */
function anything(keys: readonly string[]): Record<string, z.ZodOptional<z.ZodUnknown>> {
  return Object.fromEntries(keys.map((key) => [key, z.unknown().optional()]));
}

const alerts = section({ ...anything(alertsKeys), thresholds: thresholdsSection.prefault({}) });

/** What the rules for Prometheus are made of. */
export const rulesPart = {
  schema: section({
    ...anything(sectionNames),
    alerts: alerts.prefault({}),
    limits: limitsSection.prefault({}),
  }).superRefine(refuseShortWindows),
  paths: [['alerts', 'thresholds'], ['limits']],
};

/** What a plugin is checked against. */
export const pluginsPart = {
  schema: section({
    ...anything(sectionNames),
    plugins: pluginsSection.prefault({}),
    limits: limitsSection.prefault({}),
  }),
  paths: [['plugins'], ['limits']],
};

const { folder } = pluginsSection.out.shape;
const { port } = adminSection.out.shape;

/** Where a plugin is written to, and where it is seen then. */
export const placesPart = {
  schema: section({
    ...anything(sectionNames),
    plugins: section({ ...anything(Object.keys(pluginsSection.out.shape)), folder }).prefault({}),
    admin: section({ ...anything(Object.keys(adminSection.out.shape)), port }).prefault({}),
  }),
  paths: [
    ['plugins', 'folder'],
    ['admin', 'port'],
  ],
};
