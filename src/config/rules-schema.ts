import { z } from 'zod';
import { alertsKeys, refuseShortWindows, thresholdsSection } from './alerts-schema.ts';
import type { KeyPath } from './key-path.ts';
import { limitsSection } from './limits-schema.ts';
import { sectionNames } from './schema.ts';
import { section } from './section.ts';

/** What stands in other places may be anything; a key that is in no place at all is a mistake here, too. */
function anything(keys: readonly string[]): Record<string, z.ZodOptional<z.ZodUnknown>> {
  return Object.fromEntries(keys.map((key) => [key, z.unknown().optional()]));
}

/** The file, as far as the rules for Prometheus are made of it. */
export const rulesSchema = section({
  ...anything(sectionNames),
  alerts: section({ ...anything(alertsKeys), thresholds: thresholdsSection.prefault({}) }).prefault({}),
  limits: limitsSection.prefault({}),
}).superRefine(refuseShortWindows);

export type RulesConfig = z.output<typeof rulesSchema>;

/** Whether the schema looks at what stands there. */
export function isForRules([first, second]: KeyPath): boolean {
  return first === 'limits' || (first === 'alerts' && second === 'thresholds');
}
