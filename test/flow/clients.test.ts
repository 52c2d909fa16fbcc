import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { StoredSpan } from '../../src/telemetry/spans/trace-store.ts';
import { startService } from '../support/service.ts';

type TestService = Awaited<ReturnType<typeof startService>>;

interface Clients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

function clientsAt(url: string): Clients {
  const common = { apiKey: 'test', maxRetries: 0 };
  return {
    openai: new OpenAI({ ...common, baseURL: `${url}/v1` }),
    anthropic: new Anthropic({ ...common, baseURL: url }),
  };
}

const prompt = 'What time is it in Zürich? 你好';
const messages = [{ role: 'user' as const, content: prompt }];
const parameters = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
};
const chatTool = { type: 'function' as const, function: { name: 'get_time', parameters } };
const responseTool = { type: 'function' as const, name: 'get_time', parameters, strict: false };
const messageTool = { name: 'get_time', input_schema: parameters };

/** What people do with the clients; each gives all that it got. `model` answers them. */
const uses: Readonly<Record<string, (clients: Clients, model: string) => Promise<unknown>>> = {
  'chat, whole': ({ openai }, model) => openai.chat.completions.create({ model, messages }),
  'chat, stream': async ({ openai }, model) =>
    collect(
      await openai.chat.completions.create({
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    ),
  'chat, stream through the helper': ({ openai }, model) =>
    openai.chat.completions.stream({ model, messages }).finalChatCompletion(),
  'chat with tools, whole': ({ openai }, model) =>
    openai.chat.completions.create({ model, messages, tools: [chatTool], tool_choice: 'required' }),
  'chat with tools, stream': async ({ openai }, model) =>
    collect(
      await openai.chat.completions.create({
        model,
        messages,
        tools: [chatTool],
        tool_choice: 'required',
        stream: true,
      }),
    ),
  'responses, whole': ({ openai }, model) => openai.responses.create({ model, input: prompt }),
  'responses, stream': async ({ openai }, model) =>
    collect(await openai.responses.create({ model, input: prompt, stream: true })),
  'responses with tools': ({ openai }, model) =>
    openai.responses.create({ model, input: prompt, tools: [responseTool], tool_choice: 'required' }),
  'responses with tools, stream through the helper': ({ openai }, model) =>
    openai.responses
      .stream({ model, input: prompt, tools: [responseTool], tool_choice: 'required' })
      .finalResponse(),
  'embeddings, as floats': ({ openai }, model) =>
    openai.embeddings.create({ model, input: [prompt, 'b'], encoding_format: 'float' }),
  'embeddings, as the client likes them': ({ openai }, model) =>
    openai.embeddings.create({ model, input: prompt }),
  'messages, whole': ({ anthropic }, model) =>
    anthropic.messages.create({ model, messages, max_tokens: 200 }),
  'messages, stream': async ({ anthropic }, model) =>
    collect(await anthropic.messages.create({ model, messages, max_tokens: 200, stream: true })),
  'messages, stream through the helper': ({ anthropic }, model) =>
    anthropic.messages.stream({ model, messages, max_tokens: 200 }).finalMessage(),
  'messages with tools, whole': ({ anthropic }, model) =>
    anthropic.messages.create({
      model,
      messages,
      max_tokens: 200,
      tools: [messageTool],
      tool_choice: { type: 'any' },
    }),
  'messages with tools, stream through the helper': ({ anthropic }, model) =>
    anthropic.messages
      .stream({ model, messages, max_tokens: 200, tools: [messageTool], tool_choice: { type: 'any' } })
      .finalMessage(),
  'messages with thinking, whole': ({ anthropic }, model) =>
    anthropic.messages.create({
      model,
      messages,
      max_tokens: 2_000,
      thinking: { type: 'enabled', budget_tokens: 1_024 },
    }),
  'messages with thinking, stream': async ({ anthropic }, model) =>
    collect(
      await anthropic.messages.create({
        model,
        messages,
        max_tokens: 2_000,
        thinking: { type: 'enabled', budget_tokens: 1_024 },
        stream: true,
      }),
    ),
  'the list of models': async ({ openai }) => collect(openai.models.list()),
};

/** aimock has no legacy completions. */
const ofOldApis: typeof uses = {
  'completions, whole': ({ openai }, model) => openai.completions.create({ model, prompt }),
  'completions, stream': async ({ openai }, model) =>
    collect(await openai.completions.create({ model, prompt, stream: true })),
};

describe('the clients of the makers, at the simulator', () => {
  let simulator: Simulator;
  let service: TestService;
  let direct: Clients;
  let through: Clients;

  before(async () => {
    simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: 1_000_000,
      clock: () => 1_750_000_000_000,
    });
    service = await startService({ config: { upstreams: { default: simulator.url } } });
    direct = clientsAt(simulator.url);
    through = clientsAt(service.dataUrl);
  });
  after(async () => {
    await service.stop();
    await simulator.close();
  });

  for (const [name, use] of Object.entries({ ...uses, ...ofOldApis })) {
    it(`${name}: the same as without the proxy`, async () => {
      const expected = await use(direct, 'sim');
      const before = newestExchange(service)?.traceId;
      assert.deepEqual(plain(await use(through, 'sim')), plain(expected));
      await service.inFlight.empty();
      const newest = newestExchange(service);
      assert.notEqual(newest?.traceId, before);
      assert.equal(newest?.attributes['sightline.outcome'], 'completed');
    });
  }

  it('calls a tool and answers with its result, whole and streamed', async () => {
    for (const isStream of [false, true]) {
      const both = await Promise.all([direct, through].map((clients) => toolRound(clients, isStream)));
      assert.deepEqual(plain(both[1]), plain(both[0]));
    }
  });

  for (const [api, call] of [
    ['openai', uses['chat, whole']],
    ['openai', uses['responses, stream']],
    ['anthropic', uses['messages, whole']],
    ['anthropic', uses['messages, stream']],
  ] as const) {
    for (const status of [400, 401, 404, 429, 500, 529]) {
      it(`${api}: status ${status} of the upstream is the same error`, async () => {
        const model = `sim-status-${status}`;
        const [plainly, proxied] = await Promise.all([
          failure(call?.(direct, model)),
          failure(call?.(through, model)),
        ]);
        assert.equal(proxied.status, status);
        assert.equal(proxied.constructor, plainly.constructor);
        const anonymous = (error: Failure) => String(error.message).replaceAll(/req_\w+/g, 'req_');
        assert.equal(anonymous(proxied), anonymous(plainly));
        assert.ok(proxied.requestID);
      });
    }
  }

  it('a stream that breaks off throws in the client, as without the proxy', async () => {
    for (const use of [uses['chat, stream'], uses['responses, stream'], uses['messages, stream']]) {
      const [plainly, proxied] = await Promise.all([
        failure(use?.(direct, 'sim-truncate-3')),
        failure(use?.(through, 'sim-truncate-3')),
      ]);
      assert.equal(proxied.constructor, plainly.constructor);
    }
  });

  it("the span of Anthropic's own client is the parent of the exchange", async () => {
    await uses['messages, stream']?.(through, 'sim');
    await service.inFlight.empty();
    const exchange = newestExchange(service);
    const spans = service.telemetry.traces.get(exchange?.traceId ?? '')?.spans ?? [];
    const parent = spans.find(({ spanId }) => spanId === exchange?.parentSpanId);
    assert.equal(parent?.name, 'anthropic.messages.create');
  });

  it('a client that stops listening is nothing to complain of', async () => {
    const chat = await through.openai.chat.completions.create({ model: 'sim', messages, stream: true });
    for await (const _chunk of chat) break;
    const anthropic = await through.anthropic.messages.create({
      model: 'sim',
      messages,
      max_tokens: 50,
      stream: true,
    });
    for await (const _event of anthropic) break;
    await service.inFlight.empty();
    assert.equal(service.inFlight.size, 0);
  });
});

describe('the clients of the makers, at a backend that others wrote', () => {
  let mock: LLMock;
  let service: TestService;
  let direct: Clients;
  let through: Clients;

  before(async () => {
    mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
    const call = { name: 'get_time', arguments: '{"city":"Zürich"}', id: 'call_1' };
    mock.on({ toolName: 'get_time' }, { toolCalls: [call] });
    mock.on({ model: 'thinker' }, { content: 'It is late.', reasoning: 'Let me think. 你好' });
    mock.onEmbedding(/.*/, { embedding: [0.25, -0.5, 1] });
    mock.on({ model: 'broken' }, { error: { message: 'Slow down.', type: 'rate_limit' }, status: 429 });
    mock.onMessage(/.*/, { content: 'It is ten past nine in Zürich. 你好 👋'.repeat(20) });
    await mock.start();
    service = await startService({ config: { upstreams: { default: mock.url } } });
    direct = clientsAt(mock.url);
    through = clientsAt(service.dataUrl);
  });
  after(async () => {
    await service.stop();
    await mock.stop();
  });

  for (const [name, use] of Object.entries(uses)) {
    it(`${name}: the same as without the proxy`, async () => {
      const model = name.includes('thinking') ? 'thinker' : 'gpt-4o';
      const [expected, result] = [await use(direct, model), await use(through, model)];
      assert.deepEqual(anonymous(result), anonymous(expected));
      await service.inFlight.empty();
      assert.equal(newestExchange(service)?.attributes['sightline.outcome'], 'completed');
    });
  }

  it('its errors are the same', async () => {
    for (const use of [uses['chat, whole'], uses['chat, stream'], uses['messages, whole']]) {
      const [plainly, proxied] = [
        await failure(use?.(direct, 'broken')),
        await failure(use?.(through, 'broken')),
      ];
      assert.equal(proxied.status, 429);
      assert.equal(proxied.message, plainly.message);
      assert.equal(proxied.constructor, plainly.constructor);
    }
  });
});

describe('errors of our own in the clients of the makers', () => {
  let service: TestService;

  before(async () => {
    service = await startService({
      config: {
        upstreams: { refusing: 'http://127.0.0.1:1' },
        limits: { queryBytesMax: 1_000 },
      },
    });
  });
  after(() => service.stop());

  const large = [{ role: 'user' as const, content: 'x'.repeat(2_000) }];
  const failures = [
    ['an upstream that cannot be reached', '/refusing', messages, 502, /cannot be reached.*ECONNREFUSED/],
    ['a query that is too large', '/refusing', large, 413, /larger than the limit of 1000 bytes/],
    ['a path that no upstream takes', '/elsewhere', messages, 404, /No upstream is configured for/],
  ] as const;
  for (const [what, prefix, content, status, message] of failures) {
    it(`${what}: status, message and trace`, async () => {
      const { openai, anthropic } = clientsAt(service.dataUrl + prefix);
      const calls = [
        openai.chat.completions.create({ model: 'x', messages: [...content] }),
        openai.chat.completions.create({ model: 'x', messages: [...content], stream: true }),
        openai.responses.create({ model: 'x', input: String(content[0]?.content) }),
        anthropic.messages.create({ model: 'x', max_tokens: 5, messages: [...content] }),
      ];
      for (const error of await Promise.all(calls.map(failure))) {
        assert.equal(error.status, status);
        assert.match(error.message, message);
        assert.match(error.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
        const traceId = error.headers.get('traceresponse')?.split('-')[1];
        assert.ok(JSON.stringify(error.error).includes(`"trace_id":"${traceId}"`));
        assert.ok(service.telemetry.traces.get(traceId ?? ''));
      }
    });
  }
});

/** The span of the newest exchange. Anthropic's client makes spans of its own around ours. */
function newestExchange({ telemetry }: TestService): StoredSpan | undefined {
  const newest = telemetry.traces.list(1)[0];
  return telemetry.traces.get(newest?.traceId ?? '')?.spans.find(({ kind }) => kind === 'SERVER');
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The model calls a tool, gets its result, and answers. */
async function toolRound({ openai, anthropic }: Clients, isStream: boolean): Promise<unknown> {
  const query = { model: 'sim', messages, tools: [chatTool] };
  const first = isStream
    ? await openai.chat.completions.stream({ ...query, tool_choice: 'required' }).finalChatCompletion()
    : await openai.chat.completions.create({ ...query, tool_choice: 'required' });
  const asked = first.choices[0]?.message;
  assert.ok(asked?.tool_calls?.[0]);
  const answer = { role: 'tool' as const, tool_call_id: asked.tool_calls[0].id, content: '09:10' };
  const second = await openai.chat.completions.create({ ...query, messages: [...messages, asked, answer] });

  const body = { model: 'sim', messages, tools: [messageTool], max_tokens: 200 };
  const wanted = isStream
    ? await anthropic.messages.stream({ ...body, tool_choice: { type: 'any' } }).finalMessage()
    : await anthropic.messages.create({ ...body, tool_choice: { type: 'any' } });
  const use = wanted.content.find((block) => block.type === 'tool_use');
  assert.ok(use);
  const result = { type: 'tool_result' as const, tool_use_id: use.id, content: '09:10' };
  const last = await anthropic.messages.create({
    ...body,
    messages: [
      ...messages,
      { role: 'assistant', content: wanted.content },
      { role: 'user', content: [result] },
    ],
  });
  return [first, second, wanted, last];
}

/** What both SDKs' errors of a status have. */
interface Failure extends Error {
  readonly status: number;
  readonly requestID: string | null | undefined;
  readonly headers: Headers;
  readonly error: unknown;
}

async function failure(call: Promise<unknown> | undefined): Promise<Failure> {
  try {
    await call;
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return thrown as Failure;
  }
  throw new Error('the call should have failed');
}

/** Without the classes of the SDKs and what is no data. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** aimock makes up ids and times for each reply. */
function anonymous(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(/"((?:chatcmpl|msg|resp|call|toolu|fc|rs|item|ws)[-_])[\w-]+"/g, '"$1"')
    .replaceAll(/"(created|created_at|completed_at)":[\d.]+/g, '"$1":0');
  return JSON.parse(text);
}
