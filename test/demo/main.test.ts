import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, runNode } from '../support/run-process.ts';
import { startDemoStage } from './stage.ts';

const main = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url));

function demo(url: string, ...args: string[]): RunningProcess {
  return runNode([main, ...args], { env: { SIGHTLINE_URL: url } });
}

describe('npm run demo', () => {
  it('tells what it can do', async () => {
    await using running = demo('', '--help');
    assert.equal((await running.waitForExit()).code, 0);
    assert.match(running.stdout, /^Usage: npm run demo/);
  });

  it('without a Sightline says how to start one', async () => {
    await using running = demo('http://127.0.0.1:9', '--wait', '0.3');
    assert.equal((await running.waitForExit()).code, 1);
    assert.equal(
      running.stderr,
      'demo: nobody answers at http://127.0.0.1:9; start it with npm start, or set SIGHTLINE_URL\n',
    );
  });

  it('waits for one that is about to start', async () => {
    await using stage = await startDemoStage();
    const { simulator } = stage;
    simulator.killConnections({ stopListening: true });
    await using running = demo(simulator.url, '--visits', '1', '--wait', '20');
    // Nobody can tell when it has asked in vain; what it then finds is what counts.
    const { startSimulator } = await import('../../src/simulator/simulator.ts');
    const again = await startSimulator({ port: simulator.port });
    try {
      assert.equal((await running.waitForExit()).code, 0);
      assert.match(running.stdout, /1 visits in/);
    } finally {
      await again.close();
    }
  });

  it('sends nothing where real models might answer', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{}}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using running = demo(url);
    assert.equal((await running.waitForExit()).code, 1);
    assert.match(running.stderr, /no simulator answers at .* \(status 401\), and real models cost money/);
    assert.deepEqual(asked, ['/v1/chat/completions']);
    server.closeAllConnections();
    server.close();
  });

  it('ends with a summary when it is interrupted', async () => {
    await using stage = await startDemoStage();
    await using running = demo(stage.service.dataUrl, '--rate', '100');
    await stage.simulator.journal.waitFor(({ id }) => id >= 20);
    running.kill('SIGINT');
    assert.deepEqual(await running.waitForExit(), { code: 0, signal: null });
    assert.match(running.stdout, /^demo: about 100 visits a second to http:\S+, seed 1; Ctrl-C ends it\n/);
    assert.match(
      running.stdout,
      /demo: \d+ visits in \d+\.\d s: \d+ completed.*; tokens [\d,]+ in, [\d,]+ out\n$/,
    );
    assert.equal(running.stderr, '');
  });

  it('asks the same of the backend with the same seed', async () => {
    const [first, again, other] = [await asked('4'), await asked('4'), await asked('5')];
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
  });
});

/** What the backend was asked, in no order: visits overtake each other. */
async function asked(seed: string): Promise<string[]> {
  await using stage = await startDemoStage();
  await using running = demo(stage.service.dataUrl, '--rate', '200', '--visits', '40', '--seed', seed);
  assert.equal((await running.waitForExit()).code, 0);
  const entries = await stage.simulator.journal.settled();
  return entries
    .filter(({ method, operation }) => method === 'POST' && operation !== undefined)
    .map(({ requestSha256 }) => requestSha256)
    .toSorted();
}
