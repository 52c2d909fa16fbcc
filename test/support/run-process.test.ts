import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { runNode, runProcess } from './run-process.ts';

const stayAlive = 'setInterval(() => {}, 1000);';

test('collects what the process writes, and how it ends', async () => {
  const child = runNode(
    ['-e', 'console.log("out", process.env.WORD); console.error("err"); process.exitCode = 3'],
    {
      env: { WORD: 'hello' },
    },
  );
  assert.deepEqual(await child.exited, { code: 3, signal: null });
  assert.equal(child.stdout, 'out hello\n');
  assert.equal(child.stderr, 'err\n');
  child.kill();
});

test('tells of a line as soon as it is complete, on either stream', async () => {
  await using child = runNode([
    '-e',
    `process.stdout.write('port 40'); setTimeout(() => process.stdout.write('00\\n'), 20); console.error('warned'); ${stayAlive}`,
  ]);
  assert.equal((await child.waitForLine(/port (\d+)/))[1], '4000');
  assert.equal((await child.waitForLine(/^warned$/g))[0], 'warned');
  assert.equal(child.hasExited, false);
});

test('says what was written where the line does not come', async () => {
  await using child = runNode(['-e', `console.log('something else'); ${stayAlive}`]);
  await child.waitForLine(/else/);
  await assert.rejects(
    child.waitForLine(/never/, 20),
    /wrote no line like \/never\/ within 20 ms\nstdout:\nsomething else\n/,
  );
  const gone = runNode(['-e', 'console.error("broken")']);
  await assert.rejects(
    gone.waitForLine(/never/),
    /ended without a line like \/never\/\nstdout:\n\nstderr:\nbroken\n/,
  );
});

test('can be stopped, also one that does not want to', async () => {
  const willing = runNode([
    '-e',
    `process.on('SIGTERM', () => process.exit(0)); console.log('up'); ${stayAlive}`,
  ]);
  await willing.waitForLine(/up/);
  await assert.rejects(willing.waitForExit(20), /still runs after 20 ms/);
  willing.kill();
  assert.deepEqual(await willing.waitForExit(), { code: 0, signal: null });

  const unwilling = runNode(['-e', `process.on('SIGTERM', () => {}); console.log('up'); ${stayAlive}`]);
  await unwilling.waitForLine(/up/);
  await unwilling[Symbol.asyncDispose]();
  assert.deepEqual(await unwilling.exited, { code: null, signal: 'SIGKILL' });
});

test('a program that cannot be started is an error of its own', async () => {
  const child = runProcess('/no/such/program', []);
  await assert.rejects(child.exited, { code: 'ENOENT' });
  await assert.rejects(child.waitForLine(/x/), /ended without a line/);
  await child[Symbol.asyncDispose]();
});

for (const { name, script } of [
  { name: 'by itself', script: 'process.exit()' },
  { name: 'by an error', script: 'throw new Error("the test is wrong");' },
  { name: 'by a signal', script: 'process.kill(process.pid, "SIGTERM");' },
]) {
  test(`no process outlives a parent that ends ${name}`, async () => {
    // The child holds a connection: its end is seen at once, also where nobody reaps the dead.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const module = new URL('run-process.ts', import.meta.url).href;
    await using parent = runNode([
      '--input-type=module',
      '-e',
      `import { runNode } from '${module}';
       const child = runNode(['-e', "require('net').connect(${port}, '127.0.0.1', () => console.log('up'))"]);
       await child.waitForLine(/up/);
       setTimeout(() => { ${script} }, 10);`,
    ]);
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.resume().on('error', () => {});
    server.close();
    await once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
    await parent.waitForExit();
  });
}
