import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runNode } from '../../support/run-process.ts';

async function printed(file: string, ...args: string[]) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  await using child = runNode([
    '--expose-gc',
    '--max-old-space-size=64',
    '--max-semi-space-size=8',
    path,
    ...args,
  ]);
  const exit = await child.exited;
  assert.deepEqual({ ...exit, stderr: child.stderr }, { code: 0, signal: null, stderr: '' });
  return JSON.parse(child.stdout) as Record<string, unknown>;
}

describe('the memory of plugins', () => {
  // The long version, with 6,000 reloads, is `npm run soak`.
  it('is given back with each reload, in a heap of 64 MB', async () => {
    const { generation, leaks, leastBytesPerReload } = await printed('memory.ts', '400');
    assert.deepEqual({ generation, leaks }, { generation: 402, leaks: 0 });
    // A version that is kept is more than 10 KB.
    assert.ok(Number(leastBytesPerReload) < 4_096, `${leastBytesPerReload} bytes of each reload are left`);
  });

  it('is reported by the name of the plugin where something holds it', async () => {
    const names = ['entry', 'interval', 'listener'];
    assert.deepEqual(await printed('leaky.ts'), {
      isOver: true,
      leaks: names.map((name) => `${name}@1.0.0`),
      counted: names,
    });
  });
});
