import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import OpenAI, { toFile } from 'openai';
import { hello, post, postRaw, readJson, readUntilBreak, startFast } from './client.ts';

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the simulator', () => {
  it('can be closed twice, with connections open and timers running', async () => {
    const simulator = await startFast({ timeToFirstTokenMs: 60_000 });
    const reply = postRaw(`${simulator.url}/v1/chat/completions`, { model: 'gpt-4o', messages: hello });
    const rejected = assert.rejects(reply, { code: 'ECONNRESET' });
    await simulator.journal.waitForReceived(() => true);
    await Promise.all([simulator.close(), simulator.close()]);
    await rejected;
    await simulator.close();
    assert.equal(simulator.journal.entries()[0]?.ended, 'fault');
    await assert.rejects(fetch(simulator.url));
  });

  it('kills its connections and goes on listening', async () => {
    const simulator = await startFast();
    const url = `${simulator.url}/v1/chat/completions`;
    const message = await postRaw(url, { model: 'sim-stall-2', messages: hello, stream: true });
    await simulator.journal.waitForReceived(() => true);
    simulator.killConnections();
    assert.equal((await readUntilBreak(message)).broken, true);
    const [entry] = await simulator.journal.settled();
    assert.equal(entry?.ended, 'fault');
    assert.equal((await post(url, { model: 'gpt-4o', messages: hello })).status, 200);
    await simulator.close();
  });

  it('kills its connections and stops listening, as a dead process does', async () => {
    const simulator = await startFast({ tokensPerSecond: 20 });
    const url = `${simulator.url}/v1/chat/completions`;
    const message = await postRaw(url, { model: 'gpt-4o', messages: hello, stream: true });
    simulator.killConnections({ stopListening: true });
    assert.equal((await readUntilBreak(message)).broken, true);
    await assert.rejects(fetch(simulator.url));
    const [entry] = await simulator.journal.settled();
    assert.deepEqual([entry?.ended, entry?.fault], ['fault', 'killed']);
    await simulator.close();
  });

  it('takes a multipart upload and says what came', async () => {
    const simulator = await startFast();
    const client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
    const file = await client.files.create({
      file: await toFile(randomBytes(200_000), 'data.bin'),
      purpose: 'user_data',
    });
    const [entry] = await simulator.journal.settled();
    assert.ok(file.bytes > 200_000);
    assert.deepEqual([entry?.requestBytes, entry?.requestSha256], [file.bytes, Object(file).sha256]);
    await simulator.close();
  });

  it('echoes a request as it arrived: method, target, headers, body and trailers', async () => {
    const simulator = await startFast();
    const body = randomBytes(100_000);
    const target = '/v1/echo/a%2Fb//c?x=%20&x=2';
    const request = httpRequest(`${simulator.url}${target}`, {
      method: 'PATCH',
      agent: false,
      headers: { 'X-MiXed': ['one', 'two'], Trailer: 'X-After', 'x-simulator-trailers': 'yes' },
    });
    request.addTrailers({ 'X-After': 'the body' });
    request.end(body);
    const [message] = await once(request, 'response');
    const echo = Object(await readJson(message));
    assert.deepEqual([echo.method, echo.url], ['PATCH', target]);
    const mixed = echo.rawHeaders.flatMap((name: string, index: number, all: string[]) =>
      name === 'X-MiXed' ? [all[index + 1]] : [],
    );
    assert.deepEqual(mixed, ['one', 'two']);
    assert.deepEqual([echo.bodyBytes, echo.bodySha256], [body.length, sha256(body)]);
    assert.deepEqual(echo.rawTrailers, ['X-After', 'the body']);
    assert.equal(message.trailers['x-body-sha256'], sha256(JSON.stringify(echo)));
    await simulator.close();
  });

  it('runs on its own, and ends cleanly at a signal', async () => {
    const main = fileURLToPath(new URL('../../src/simulator/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, SIMULATOR_PORT: '0', SIMULATOR_TTFT_MS: '0', SIMULATOR_TOKENS_PER_SECOND: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const url = /http:\S+/.exec((await lines.next()).value ?? '')?.[0];
    assert.ok(url);
    const curl = String((await lines.next()).value);
    assert.ok(curl.startsWith('curl ') && curl.includes('/v1/chat/completions'));
    const response = await post(`${url}/v1/chat/completions`, { model: 'gpt-4o', messages: hello });
    assert.equal(response.status, 200);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
