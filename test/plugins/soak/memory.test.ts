import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runNode } from '../../support/run-process.ts';

async function printed(file: string, ...args: string[]) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  await using child = runNode(['--expose-gc', '--max-old-space-size=64', path, ...args]);
  const exit = await child.exited;
  assert.deepEqual({ ...exit, stderr: child.stderr }, { code: 0, signal: null, stderr: '' });
  return JSON.parse(child.stdout) as Record<string, unknown>;
}

describe('the memory of plugins', () => {
  // The long version, with 6,000 reloads, is `npm run soak`.
  it('is given back with each reload, in a heap of 64 MB', async () => {
    const { generation, leaks, bytesPerReload } = await printed('memory.ts', '400');
    assert.deepEqual({ generation, leaks }, { generation: 402, leaks: 0 });
    // Over so few reloads the last caches that fill weigh more than over thousands: this is to see a leak.
    assert.ok(Number(bytesPerReload) < 4_096, `${bytesPerReload} bytes of each reload are left`);
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
