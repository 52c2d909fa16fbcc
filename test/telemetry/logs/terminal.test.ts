import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { terminalFormat } from '../../../src/telemetry/logs/terminal.ts';
import { lineKey, logEvent } from '../../../src/telemetry/names.ts';
import { CapturedLog } from './captured-log.ts';

const line = (record: object) =>
  `${JSON.stringify({ level: 'warn', time: '2026-11-22T10:00:00.123Z', ...record })}\n`;

async function format(record: object, { hasColors = false } = {}): Promise<string> {
  const stream = Object.assign(new CapturedLog({ isTTY: true }), { hasColors: () => hasColors });
  const formatted = (await terminalFormat(stream))?.(line(record));
  assert.ok(formatted !== undefined);
  return formatted;
}

test('programs get the lines as they are', async () => {
  assert.equal(await terminalFormat(new CapturedLog()), undefined);
});

test('people see the message alone where it says what the fields say, and of all else every field', async () => {
  const fields = { plugin: 'a', stack: 'Error\n    at x' };
  for (const event of [logEvent.exchange, logEvent.alert, logEvent.plugin]) {
    const brief = await format({ ...fields, [lineKey.event]: event, msg: 'POST / -> completed' });
    assert.match(brief, /^\[\d\d:\d\d:00\.123\] WARN: POST \/ -> completed\n$/, event);
  }
  const other = await format({ ...fields, msg: 'oh' });
  assert.match(other, /^\[\d\d:\d\d:00\.123\] WARN: oh\n {4}plugin: "a"\n {4}stack: [\s\S]*at x/);
});

test('colours are for terminals that have them', async () => {
  const coloured = await format({ msg: 'oh' }, { hasColors: true });
  const plain = await format({ msg: 'oh' });
  assert.notEqual(coloured, plain);
  assert.equal(stripVTControlCharacters(coloured), plain);
});

test('what a client has sent moves no cursor and turns no text around', async () => {
  const text = await format({ msg: 'a\u001b[2Jb\u009bc\u202ed\re', field: 'x\u0007y' });
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}|\p{Bidi_Control}/u);
  assert.match(text, /a\ufffd\[2Jb\ufffdc\ufffdd\ufffde/);
});
