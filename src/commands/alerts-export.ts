import { parseArgs } from 'node:util';
import { effectiveThresholds } from '../alerts/effective.ts';
import { ruleTests } from '../alerts/rules/rule-tests.ts';
import { alertRules } from '../alerts/rules/rules.ts';
import { loadPart } from '../config/load.ts';
import { rulesPart } from '../config/parts.ts';
import type { CommandCall } from './command.ts';

/** The rules for Prometheus, or promtool's tests of them, with the limits of the configuration. */
export async function exportAlerts(args: readonly string[], call: CommandCall): Promise<number> {
  const { cwd, env, say, complain } = call;
  const { values } = parseArgs({ args: [...args], options: { tests: { type: 'boolean' } } });
  const { alerts, source } = loadPart(rulesPart, env, cwd);
  // Whoever runs it in another folder is to notice.
  if (source === undefined)
    complain(`sightline: there is no sightline.yaml in ${cwd}: these are the default limits`);
  const thresholds = effectiveThresholds(alerts.thresholds);
  const text = values.tests ? ruleTests(thresholds) : alertRules(thresholds);
  say(text.trimEnd());
  return 0;
}
