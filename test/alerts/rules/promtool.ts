import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Verdict {
  readonly isOk: boolean;
  readonly output: string;
}

/** `promtool check rules`, with all that it can find fault with. */
export function checkRules(rules: string): Verdict {
  return promtool(['check', 'rules', '--lint=all', '--lint-fatal', 'alerts.rules.yml'], rules);
}

/** `promtool test rules`. */
export function testRules(rules: string, tests: string): Verdict {
  return promtool(['test', 'rules', 'alerts.test.yml'], rules, tests);
}

function promtool(args: readonly string[], rules: string, tests = ''): Verdict {
  const cwd = mkdtempSync(join(tmpdir(), 'sightline-rules-'));
  try {
    writeFileSync(join(cwd, 'alerts.rules.yml'), rules);
    writeFileSync(join(cwd, 'alerts.test.yml'), tests);
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
    return { isOk: status === 0, output: stdout + stderr };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
