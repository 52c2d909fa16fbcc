import { parseArgs } from 'node:util';
import { effectiveThresholds } from '../alerts/effective.ts';
import { ruleTests } from '../alerts/rules/rule-tests.ts';
import { alertRules } from '../alerts/rules/rules.ts';
import { loadRulesConfig } from '../config/load.ts';
import type { CommandCall } from './command.ts';

/** The rules for Prometheus, or promtool's tests of them, with the limits of the configuration. */
export async function exportAlerts(args: readonly string[], { cwd, env, say }: CommandCall): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { tests: { type: 'boolean' } } });
  const thresholds = effectiveThresholds(loadRulesConfig(env, cwd).alerts.thresholds);
  const text = values.tests ? ruleTests(thresholds) : alertRules(thresholds);
  say(text.trimEnd());
  return 0;
}
