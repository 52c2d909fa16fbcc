import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { AttributeMap } from '../../../src/admin/api/traces.ts';
import { curlOf } from '../../../src/console/page/trace/curl/curl.ts';
import { shellQuote } from '../../../src/console/page/trace/curl/shell-quote.ts';
import { exchangesOf } from '../../../src/console/page/trace/exchange-facts.ts';
import { missing } from '../../support/is-installed.ts';
import { Random } from '../../support/random.ts';
import { startService } from '../../support/service.ts';
import { attempt, request, span, trace } from './spans.ts';

const run = promisify(execFile);
const simulator = { dataUrl: 'http://127.0.0.1:4000', isSimulator: true };
const real = { dataUrl: 'http://127.0.0.1:4000', isSimulator: false };

/** The words that curl gets from bash. */
async function words(command: string, env: Record<string, string> = {}): Promise<string[]> {
  const curl = 'curl() { printf "%s\\0" "$@"; }';
  const { stdout, stderr } = await run('/bin/bash', ['--norc', '-c', `${curl}\n${command}`], {
    env: { PATH: '/nowhere', ...env },
  });
  assert.equal(stderr, '');
  return stdout.split('\0').slice(0, -1);
}

const curl = (attributes: AttributeMap = {}, server: AttributeMap = {}, target = simulator) => {
  const spans = [request('r', { attributes: server }), attempt('a', 'r', { attributes })];
  const [exchange] = exchangesOf(trace(spans), 0);
  return exchange && curlOf(exchange, target);
};

async function bodyOf(command: string | undefined) {
  assert.ok(command);
  const argv = await words(command);
  return JSON.parse(argv[argv.indexOf('--data-raw') + 1] ?? '');
}

const nasty = [
  "it's",
  'say "hi"',
  'a\nb\r\n\tc',
  '$(touch /tmp/owned) `id` $HOME $' + '{HOME}',
  '\\ \\n !! ! # ~ * ? [a-z] {a,b} <in >out | & ; ()',
  '-n',
  '@/etc/passwd',
  'ünï çødé 観測 שלום 👩‍🚀',
  "''''",
  "'\\''",
  '',
  ' ',
];

describe('a quoted word', () => {
  test('is to bash exactly what it was', async () => {
    const random = new Random(11);
    const pieces = [
      "'",
      '"',
      '$',
      '`',
      '\\',
      '\n',
      '!',
      ' ',
      'a',
      '(',
      ')',
      '{',
      '*',
      '~',
      'é',
      '👾',
      '%',
      '=',
      '-',
    ];
    const made = Array.from({ length: 300 }, () =>
      Array.from({ length: random.integer(1, 12) }, () => random.pick(pieces)).join(''),
    );
    const all = [...nasty, ...made];
    assert.deepEqual(await words(`curl ${all.map(shellQuote).join(' ')}`), all);
  });

  test('has no quotes where it needs none', () => {
    assert.equal(shellQuote('http://127.0.0.1:4000/v1/chat'), 'http://127.0.0.1:4000/v1/chat');
    assert.equal(shellQuote('a\0b'), 'ab');
  });
});

describe('a query as curl', () => {
  test('asks the same model with the same parameters', async () => {
    const command = curl({
      'gen_ai.request.max_tokens': 30,
      'gen_ai.request.temperature': 0.2,
      'gen_ai.request.stop_sequences': ['END'],
      'gen_ai.request.seed': 7,
    });
    assert.ok(command);
    const [url, ...rest] = await words(command);
    assert.equal(url, 'http://127.0.0.1:4000/v1/chat/completions');
    assert.deepEqual(rest.slice(0, 4), ['--no-buffer', '-H', 'content-type: application/json', '--data-raw']);
    assert.deepEqual(JSON.parse(rest[4] ?? ''), {
      model: 'gpt-4o',
      stream: true,
      max_tokens: 30,
      temperature: 0.2,
      stop: ['END'],
      seed: 7,
      messages: [{ role: 'user', content: 'Hello!' }],
    });
  });

  test('says what was said, whatever it was', async () => {
    for (const text of nasty) {
      const messages = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: text }] }]);
      const body = await bodyOf(
        curl({ 'gen_ai.input.messages': messages, 'gen_ai.request.model': `m ${text}` }),
      );
      assert.deepEqual(body.messages, [{ role: 'user', content: text }]);
      assert.equal(body.model, `m ${text}`);
    }
  });

  test('says it as its dialect does', async () => {
    const said = {
      'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'Be terse.' }]),
      'gen_ai.input.messages': JSON.stringify([
        {
          role: 'user',
          parts: [
            { type: 'text', content: 'Weather?' },
            { type: 'blob', modality: 'image' },
          ],
        },
        {
          role: 'assistant',
          parts: [{ type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Kyiv' } }],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rain' }] },
      ]),
    };
    const as = (dialect: string) => bodyOf(curl(said, { 'sightline.dialect': dialect }));
    assert.deepEqual((await as('openai.chat')).messages, [
      { role: 'system', content: 'Be terse.' },
      { role: 'user', content: 'Weather?\n[blob left out]' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Kyiv"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'rain' },
    ]);
    const anthropic = await as('anthropic.messages');
    assert.equal(anthropic.system, 'Be terse.');
    assert.equal(anthropic.max_tokens, 256);
    assert.deepEqual(anthropic.messages.slice(1), [
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Kyiv' } }],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'rain' }] },
    ]);
    const responses = await as('openai.responses');
    assert.equal(responses.instructions, 'Be terse.');
    assert.deepEqual(responses.input.slice(1), [
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Kyiv"}' },
      { type: 'function_call_output', call_id: 'c1', output: 'rain' },
    ]);
    assert.equal((await as('openai.completions')).prompt, 'Weather?\n[blob left out]');
    assert.equal((await as('openai.embeddings')).input.length, 3);
  });

  test('names where a key is, and never has one', async () => {
    const openai = curl({}, {}, real);
    assert.ok(openai);
    assert.match(openai, /\$OPENAI_API_KEY/);
    const env = { OPENAI_API_KEY: 'from $(the) "shell"' };
    assert.ok((await words(openai, env)).includes('authorization: Bearer from $(the) "shell"'));
    const anthropic = curl({}, { 'sightline.dialect': 'anthropic.messages' }, real);
    assert.match(anthropic ?? '', /x-api-key: \$ANTHROPIC_API_KEY/);
    assert.doesNotMatch(curl() ?? '', /authorization|key/i);
  });

  test('keeps the method and the path, however strange', async () => {
    const plain = curl(
      {},
      {
        'http.request.method': 'DELETE',
        'url.path': "/v1/files/{a}[1]/../it's",
        'sightline.dialect': undefined,
      },
    );
    assert.deepEqual(await words(plain ?? ''), [
      "http://127.0.0.1:4000/v1/files/{a}[1]/../it's",
      '--globoff',
      '--path-as-is',
      '-X',
      'DELETE',
    ]);
    const get = curl(
      {},
      { 'http.request.method': 'GET', 'url.path': '/v1/models', 'sightline.dialect': undefined },
    );
    assert.equal(get, 'curl http://127.0.0.1:4000/v1/models');
  });

  test('is none of what was said on a WebSocket', () => {
    const session = request('s', { attributes: { 'sightline.session.protocol': 'openai.realtime' } });
    const onSocket = request('q', { startMs: 1, attributes: { 'network.protocol.name': 'websocket' } });
    const turn = span({
      spanId: 't',
      kind: 'CLIENT',
      startMs: 2,
      attributes: { 'sightline.session.turn': 1 },
    });
    const commands = exchangesOf(trace([session, onSocket, turn]), 0).map((exchange) =>
      curlOf(exchange, simulator),
    );
    assert.deepEqual(commands, [undefined, undefined, undefined]);
  });

  test('is answered by the service', { skip: missing(['curl'], 'curl itself') }, async () => {
    await using service = await startService();
    const spans = [
      request('r'),
      attempt('a', 'r', { attributes: { 'gen_ai.request.model': 'sim-tokens-2' } }),
    ];
    const [exchange] = exchangesOf(trace(spans), 0);
    const command = exchange && curlOf(exchange, { dataUrl: service.dataUrl, isSimulator: true });
    const { stdout } = await run('/bin/bash', ['--norc', '-c', `${command} --silent`]);
    assert.match(stdout, /data: \[DONE\]/);
  });
});
