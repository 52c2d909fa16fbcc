import { grafanaFiles } from '../grafana/src/index.ts';
import { ruleTests } from '../src/alerts/rules/rule-tests.ts';
import { alertRules } from '../src/alerts/rules/rules.ts';
import { thresholds } from '../src/alerts/thresholds.ts';
import { renderReadme } from './readme-tables.ts';

/** Makes the text of a file; `committed` is the one that is there now, empty where there is none. */
type MakeText = (committed: string) => string;

/**
 * Everything that is made from the code and committed, by its path from the root. `npm run generate` writes it, and a
 * test compares. A new one is a row here.
 */
export const generated: Readonly<Record<string, MakeText>> = {
  'README.md': renderReadme,
  'otel/alerts.rules.yml': () => alertRules(thresholds),
  'otel/alerts.test.yml': () => ruleTests(thresholds),
  ...grafanaFiles,
};

/** The paths of those that are not what the code makes. */
export function outdated(read: (path: string) => string): string[] {
  return Object.entries(generated)
    .filter(([path, make]) => read(path) !== make(read(path)))
    .map(([path]) => path);
}
