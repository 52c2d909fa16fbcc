import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { type FaultName, faultOf, faultPattern, faultTable } from '../../src/simulator/faults.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { chatText, hello, parseEvents, post, postRaw, readUntilBreak, startFast } from './client.ts';

let simulator: Simulator;

before(async () => {
  simulator = await startFast();
});
after(() => simulator.close());

function chat(model: string, stream: boolean, headers: Record<string, string> = {}) {
  return postRaw(`${simulator.url}/v1/chat/completions`, { model, messages: hello, stream }, headers);
}

/** Text pieces that arrived, whether the connection broke, and whether the terminal event came. */
async function streamed(model: string) {
  const { body, broken } = await readUntilBreak(await chat(model, true));
  const events = parseEvents(body);
  const pieces = events.filter(({ data }) => data.includes('"content":"') && !data.includes('"content":""'));
  return { body, events, pieces: pieces.length, broken, done: events.at(-1)?.data === '[DONE]' };
}

async function lastEntry() {
  const entry = (await simulator.journal.settled()).at(-1);
  assert.ok(entry);
  return entry;
}

/** Reads until so many pieces of text have come, then leaves; the reply stays open until then. */
async function readAndLeave(model: string, stream: boolean, enough: (body: string) => boolean) {
  const message = await chat(model, stream);
  let body = '';
  message.on('error', () => {});
  await new Promise<void>((resolve) => {
    message.on('data', (piece: Buffer) => {
      body += piece.toString();
      if (enough(body)) resolve();
    });
    message.once('end', () => assert.fail('The reply ended.'));
  });
  message.destroy();
  return body;
}

async function answersWell(model: string): Promise<void> {
  const { done, broken, pieces } = await streamed(model);
  assert.deepEqual({ done, broken }, { done: true, broken: false });
  const entry = await lastEntry();
  assert.equal(entry.ended, 'completed');
  assert.equal(entry.outputEvents, pieces);
}

async function compresses(model: FaultName, encoding: string): Promise<void> {
  for (const stream of [true, false]) {
    const message = await chat(model, stream, { 'accept-encoding': encoding });
    assert.equal(message.headers['content-encoding'], encoding);
    await buffer(message);
  }
  const plain = await chat(model, false);
  assert.equal(plain.headers['content-encoding'], undefined);
  await buffer(plain);
}

async function noReply(model: string, code: string): Promise<void> {
  await assert.rejects(chat(model, true), { code });
  const entry = await lastEntry();
  assert.equal(entry.ended, 'fault');
  assert.equal(entry.fault, model);
  assert.equal(entry.status, undefined);
}

/** One for each row of the table: the type keeps them in step. */
const behaviours: Record<FaultName, () => Promise<void>> = {
  'sim-status': async () => {
    const limited = await chat('sim-status-429', false);
    assert.equal(limited.statusCode, 429);
    assert.equal(limited.headers['retry-after'], '1');
    await buffer(limited);
    assert.equal((await lastEntry()).ended, 'fault');

    const settings = { apiKey: 'test', maxRetries: 0 };
    const openai = new OpenAI({ baseURL: `${simulator.url}/v1`, ...settings });
    const query = { model: 'sim-status-500', messages: hello };
    await assert.rejects(openai.chat.completions.create(query), OpenAI.InternalServerError);
    const anthropic = new Anthropic({ baseURL: simulator.url, ...settings });
    const overloaded = { model: 'sim-status-529', max_tokens: 9, messages: hello };
    await assert.rejects(anthropic.messages.create(overloaded), { status: 529, type: 'overloaded_error' });
  },

  'sim-slow-start': async () => {
    const askedAt = performance.now();
    await buffer(await chat('sim-slow-start-60', true));
    assert.ok(performance.now() - askedAt >= 58);
    assert.equal((await lastEntry()).ended, 'completed');
  },

  'sim-slow-token': async () => {
    const query = { model: 'sim-slow-token-10', messages: hello, stream: true, max_tokens: 6 };
    await (await post(`${simulator.url}/v1/chat/completions`, query)).text();
    const { times, outputEvents } = await lastEntry();
    assert.equal(outputEvents, 6);
    assert.ok((times.lastOutputSent ?? 0) - times.received >= 49);
  },

  'sim-tokens': async () => {
    const { pieces, done } = await streamed('sim-tokens-37');
    assert.deepEqual({ pieces, done }, { pieces: 37, done: true });
  },

  'sim-truncate': async () => {
    const { pieces, broken, done } = await streamed('sim-truncate-4');
    assert.deepEqual({ pieces, broken, done }, { pieces: 4, broken: true, done: false });
    const whole = await readUntilBreak(await chat('sim-truncate', false));
    assert.equal(whole.broken, true);
    assert.ok(whole.body.length > 100);
    const entry = await lastEntry();
    assert.deepEqual([entry.ended, entry.terminalSent, entry.usage], ['fault', false, {}]);
  },

  'sim-stall': async () => {
    const body = await readAndLeave('sim-stall-2', true, (soFar) => chatText(soFar).length > 4);
    assert.ok(!body.includes('[DONE]'));
    const entry = await lastEntry();
    assert.deepEqual([entry.ended, entry.outputEvents], ['fault', 2]);
    await readAndLeave('sim-stall', false, (soFar) => soFar.length > 100);
    assert.equal((await lastEntry()).ended, 'fault');
  },

  'sim-never-ends': async () => {
    const body = await readAndLeave('sim-never-ends', true, (soFar) =>
      soFar.includes('"finish_reason":"stop"'),
    );
    assert.ok(!body.includes('[DONE]'));
    const entry = await lastEntry();
    assert.deepEqual([entry.ended, entry.terminalSent, entry.finishReasons], ['fault', false, ['stop']]);
    const whole = await readAndLeave('sim-never-ends', false, (soFar) => soFar.endsWith('"}'));
    assert.ok(JSON.parse(whole).usage.total_tokens > 0);
    assert.equal((await lastEntry()).ended, 'fault');
  },

  'sim-clean-cut': async () => {
    const { pieces, broken, done } = await streamed('sim-clean-cut-5');
    assert.deepEqual({ pieces, broken, done }, { pieces: 5, broken: false, done: false });
    const whole = await readUntilBreak(await chat('sim-clean-cut-5', false));
    assert.equal(whole.broken, false);
    assert.throws(() => JSON.parse(whole.body));
    assert.equal((await lastEntry()).ended, 'fault');
  },

  'sim-error-event': async () => {
    const settings = { apiKey: 'test', maxRetries: 0 };
    const openai = new OpenAI({ baseURL: `${simulator.url}/v1`, ...settings });
    const anthropic = new Anthropic({ baseURL: simulator.url, ...settings });
    const model = 'sim-error-event-2';
    const drain = async (stream: Promise<AsyncIterable<unknown>>): Promise<void> => {
      for await (const _event of await stream);
    };
    const chatStream = openai.chat.completions.create({ model, messages: hello, stream: true });
    await assert.rejects(drain(chatStream), /server had an error/);
    const completion = openai.completions.create({ model, prompt: 'Hello', stream: true });
    await assert.rejects(drain(completion), /server had an error/);
    await assert.rejects(drain(openai.responses.create({ model, input: 'Hi', stream: true })), {
      code: 'server_error',
    });
    const message = anthropic.messages.create({ model, max_tokens: 50, messages: hello, stream: true });
    await assert.rejects(drain(message), /overloaded_error/);
    for (const entry of (await simulator.journal.settled()).slice(-4)) {
      assert.deepEqual([entry.ended, entry.outputEvents, entry.terminalSent], ['fault', 2, false]);
    }
    const whole = await chat(model, false);
    assert.equal(whole.statusCode, 500);
    await buffer(whole);
  },

  'sim-malformed-sse': async () => {
    const { events, body, done } = await streamed('sim-malformed-sse');
    const broken = events.filter(({ data }) => {
      try {
        return data !== '[DONE]' && JSON.parse(data) === undefined;
      } catch {
        return true;
      }
    });
    assert.equal(broken.length, 3);
    assert.ok(done && body.includes('no colon in this line'));
    const entry = await lastEntry();
    assert.deepEqual(
      [entry.ended, entry.fault, entry.terminalSent],
      ['completed', 'sim-malformed-sse', true],
    );
    const whole = await readUntilBreak(await chat('sim-malformed-sse', false));
    assert.throws(() => JSON.parse(whole.body));
  },

  'sim-garbage': () => noReply('sim-garbage', 'HPE_INVALID_CONSTANT'),
  'sim-close': () => noReply('sim-close', 'ECONNRESET'),

  'sim-no-head': async () => {
    const abort = new AbortController();
    const body = JSON.stringify({ model: 'sim-no-head', messages: hello });
    const reply = fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      body,
      signal: abort.signal,
    });
    await simulator.journal.waitForReceived((entry) => entry.modelRequested === 'sim-no-head');
    abort.abort();
    await assert.rejects(reply);
    const entry = await lastEntry();
    assert.deepEqual([entry.ended, entry.fault, entry.status], ['fault', 'sim-no-head', undefined]);
  },

  'sim-crlf': async () => {
    const { body } = await streamed('sim-crlf');
    assert.ok(body.includes('\r\n\r\n') && !/[^\r]\n/.test(body));
    const query = { model: 'sim-crlf', messages: hello };
    const openai = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'test', maxRetries: 0 });
    const final = await openai.chat.completions.stream(query).finalChatCompletion();
    const whole = await openai.chat.completions.create(query);
    assert.equal(final.choices[0]?.message.content, whole.choices[0]?.message.content);
    const anthropic = new Anthropic({ baseURL: simulator.url, apiKey: 'test', maxRetries: 0 });
    const message = await anthropic.messages.stream({ ...query, max_tokens: 500 }).finalMessage();
    assert.equal(message.stop_reason, 'end_turn');
  },

  'sim-gzip': () => compresses('sim-gzip', 'gzip'),
  'sim-deflate': () => compresses('sim-deflate', 'deflate'),
  'sim-br': () => compresses('sim-br', 'br'),
  'sim-zstd': () => compresses('sim-zstd', 'zstd'),
};

describe('a model named for a fault', () => {
  for (const [name, behaviour] of Object.entries(behaviours)) it(name, behaviour);

  it('strikes at the end where the answer has fewer tokens than it waits for', async () => {
    const { broken, done, pieces } = await streamed('sim-truncate-100000');
    assert.ok(broken && !done && pieces > 10);
  });

  it('strikes Anthropic streams in the same way, after the usage of message_start', async () => {
    const query = { model: 'sim-truncate-2', max_tokens: 50, messages: hello, stream: true };
    const { broken } = await readUntilBreak(await postRaw(`${simulator.url}/v1/messages`, query));
    assert.ok(broken);
    const entry = await lastEntry();
    assert.ok((entry.usage.input_tokens ?? 0) > 0);
    assert.deepEqual([entry.outputEvents, entry.usage.output_tokens, entry.finishReasons], [2, 1, []]);
  });
});

describe('the table of faults', () => {
  it('gives a number its meaning and a missing one its fallback', () => {
    assert.deepEqual(faultOf('sim-truncate-12'), { name: 'sim-truncate', argument: 12 });
    assert.deepEqual(faultOf('sim-truncate'), { name: 'sim-truncate', argument: 3 });
    assert.deepEqual(faultOf('sim-status-418'), { name: 'sim-status', argument: 418 });
    assert.deepEqual(faultOf('sim-close'), { name: 'sim-close', argument: 0 });
  });

  it('leaves every other name to work as a model', async () => {
    for (const name of [
      'gpt-4o',
      'sim',
      'sim-',
      'sim-unheard-of',
      'sim-status-200',
      'sim-close-3',
      'constructor',
    ]) {
      assert.equal(faultOf(name), undefined, name);
      await answersWell(name);
    }
  });

  it('writes each name as people should type it', () => {
    const patterns = (Object.keys(faultTable) as FaultName[]).map(faultPattern);
    assert.ok(patterns.includes('sim-status-NNN'));
    assert.ok(patterns.includes('sim-slow-start-MS'));
    assert.ok(patterns.includes('sim-truncate-N'));
    assert.ok(patterns.includes('sim-close'));
  });
});
