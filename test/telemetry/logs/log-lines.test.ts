import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LogLines } from '../../../src/telemetry/logs/log-lines.ts';
import { until } from '../stage.ts';
import { CapturedLog } from './captured-log.ts';

function open(stream: Writable, charsMax = 1_000_000) {
  const counted = { dropped: 0, said: [] as string[] };
  const lines = new LogLines({ stream, charsMax });
  lines.watch({
    dropped: (count) => {
      counted.dropped += count;
    },
    said: (line) => counted.said.push(line),
  });
  return Object.assign(counted, { lines, [Symbol.asyncDispose]: () => lines.close(0) });
}

const record = (n: number) => ({ n, time: Date.now() });

describe('the lines of the log', () => {
  test('of exchanges are written together, in their order', async () => {
    const stdout = new CapturedLog();
    await using log = open(stdout);
    for (let i = 0; i < 80; i += 1) log.lines.add(record(i), false);
    await until('they are written', () => stdout.records.length === 80);
    assert.deepEqual(
      stdout.records.map(({ n }) => n),
      Array.from({ length: 80 }, (_, i) => i),
    );
    assert.equal(stdout.writes, 2);
    assert.deepEqual(log.said, []);
  });

  test('are written at once where there are many, where one is urgent, and where the service speaks', async () => {
    const stdout = new CapturedLog();
    await using log = open(stdout);
    for (let i = 0; i < 64; i += 1) log.lines.add(record(i), false);
    assert.equal(stdout.records.length, 64);
    log.lines.add(record(64), false);
    assert.equal(stdout.records.length, 64);
    log.lines.add(record(65), true);
    assert.equal(stdout.records.length, 66);
    log.lines.add(record(66), false);
    log.lines.write('{"n":4}\n');
    assert.deepEqual(
      stdout.records.slice(-3).map(({ n }) => n),
      [65, 66, 4],
    );
    assert.deepEqual(log.said, ['{"n":4}\n']);
  });

  test('are Unicode, whatever they tell of', async () => {
    const stdout = new CapturedLog();
    await using log = open(stdout);
    const texts = ['\ud800', 'cut \ud83d', '\udc00\ud800', '\\\ud83d', '😀', '\\ud83d', '\\\\ud83d'];
    for (const text of texts) {
      log.lines.write(`${JSON.stringify({ text })}\n`);
      log.lines.add({ ...record(0), text, [`tag ${text}`]: true }, true);
    }
    assert.doesNotMatch(stdout.text, /(?<!\\)(?:\\\\)*\\ud/);
    const told = texts.flatMap((text) => [text.toWellFormed(), text.toWellFormed()]);
    assert.deepEqual(
      stdout.records.map(({ text }) => text),
      told,
    );
    assert.ok(stdout.records.every((one) => Object.keys(one).every((key) => key.isWellFormed())));
    assert.ok(log.said.every((line) => String(JSON.parse(line).text).isWellFormed()));
  });

  test('wait for a slow reader up to a bound; what is above it is counted, and told when it reads again', async () => {
    const stdout = new CapturedLog();
    await using log = open(stdout, 1_000);
    stdout.block();
    for (let i = 100; i < 300; i += 1) log.lines.write(`{"n":${i}}\n`);
    // One is on its way, and 100 more of 10 characters find room.
    assert.equal(log.dropped, 200 - 1 - 100);
    assert.ok(stdout.writableLength < 1_000);
    stdout.letGo();
    await log.lines.close(1_000);
    const { records } = stdout;
    assert.deepEqual(
      records.slice(0, -1).map(({ n }) => n),
      Array.from({ length: 101 }, (_, i) => 100 + i),
    );
    assert.deepEqual(
      [records.at(-1)?.level, records.at(-1)?.msg],
      ['warn', '99 lines of the log were dropped: nobody read standard output'],
    );
    log.lines.write('{"n":"again"}\n');
    assert.equal(stdout.records.at(-1)?.n, 'again');
  });

  test('wait for nobody where their reader has gone: each that is lost is counted', async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    await using log = open(stdout);
    log.lines.write('{"n":1}\n');
    log.lines.add(record(2), false);
    await turn();
    assert.equal(log.dropped, 2);
    log.lines.write('{"n":3}\n');
    assert.equal(log.dropped, 3);
    await log.lines.close(60_000);
  });

  test('are waited for at the end no longer than the deadline', async () => {
    const stdout = new CapturedLog();
    const { lines } = open(stdout);
    stdout.block();
    lines.write('{"n":1}\n');
    await lines.close(1);
    assert.equal(stdout.text, '');
    await lines.close(1);
  });

  test('go through the stream that others write to as well, behind what it has not taken', async () => {
    const stdout = new CapturedLog();
    await using log = open(stdout);
    stdout.block();
    stdout.write('somebody else\n');
    log.lines.write('{"n":1}\n');
    stdout.letGo();
    await until('the line has come', () => stdout.text === 'somebody else\n{"n":1}\n');
  });

  test('leave nothing behind at the process and the stream', async () => {
    const stdout = new CapturedLog();
    const before = process.listenerCount('exit');
    const { lines } = open(stdout);
    await lines.close(0);
    assert.deepEqual([process.listenerCount('exit'), stdout.listenerCount('error')], [before, 0]);
  });
});
