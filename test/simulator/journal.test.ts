import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { chatText, hello, parseEvents, post, postRaw, startFast } from './client.ts';

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the journal', () => {
  let simulator: Simulator;
  let chatUrl: string;

  before(async () => {
    simulator = await startFast();
    chatUrl = `${simulator.url}/v1/chat/completions`;
  });
  after(() => simulator.close());

  it('tells what was received and what was sent, byte for byte', async () => {
    const query = { model: 'gpt-4o', messages: hello, stream: true, stream_options: { include_usage: true } };
    const headers = { 'x-request-id': 'journal-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const response = await post(`${chatUrl}?a=1`, query, headers);
    const body = await response.text();
    const entry = await simulator.journal.waitFor(({ requestId }) => requestId === 'journal-1');
    assert.equal(entry, simulator.journal.find('journal-1'));

    const events = parseEvents(body).map(({ data }) => data);
    const last = JSON.parse(events.at(-2) ?? '');
    assert.equal(entry.traceparent, headers.traceparent);
    assert.equal(entry.method, 'POST');
    assert.equal(entry.url, '/v1/chat/completions?a=1');
    assert.equal(entry.requestSha256, sha256(JSON.stringify(query)));
    assert.equal(entry.requestBytes, Buffer.byteLength(JSON.stringify(query)));
    assert.equal(entry.operation, 'openai.chat');
    assert.deepEqual([entry.modelRequested, entry.modelAnswered], ['gpt-4o', 'gpt-4o-2024-08-06']);
    assert.deepEqual([entry.stream, entry.status, entry.ended], [true, 200, 'completed']);
    assert.deepEqual([entry.responseId, entry.finishReasons], [last.id, ['stop']]);
    assert.equal(entry.usage.prompt_tokens, last.usage.prompt_tokens);
    assert.equal(entry.tokens.output, last.usage.completion_tokens);
    assert.equal(entry.outputEvents, last.usage.completion_tokens);
    assert.equal(entry.terminalSent, true);
    assert.equal(entry.replyBytes, Buffer.byteLength(body));
    assert.equal(entry.replySha256, sha256(body));
    const { received, headSent = 0, firstOutputSent = 0, lastOutputSent = 0, ended = 0 } = entry.times;
    const times = [received, headSent, firstOutputSent, lastOutputSent, ended];
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  it('claims no usage where a stream did not say it', async () => {
    await (await post(chatUrl, { model: 'gpt-4o', messages: hello, stream: true })).text();
    const entry = (await simulator.journal.settled()).at(-1);
    assert.deepEqual([entry?.usage, entry?.tokens, entry?.finishReasons], [{}, {}, ['stop']]);
  });

  it('counts exactly what was sent before the client hung up', async () => {
    const slow = await startFast({ tokensPerSecond: 200 });
    const query = { model: 'claude-haiku-4-5', max_tokens: 500, messages: hello, stream: true };
    const message = await postRaw(`${slow.url}/v1/messages`, query);
    let body = '';
    await new Promise<void>((resolve) => {
      message.on('data', (piece: Buffer) => {
        body += piece.toString();
        if (body.split('text_delta').length > 6) resolve();
      });
    });
    message.on('error', () => {});
    message.destroy();
    const [entry] = await slow.journal.settled();
    await slow.close();
    assert.ok(entry);
    assert.deepEqual([entry.ended, entry.terminalSent, entry.finishReasons], ['client_aborted', false, []]);
    assert.ok((entry.usage.input_tokens ?? 0) > 0);
    assert.equal(entry.usage.output_tokens, 1);
    assert.equal(entry.tokens.output, undefined, 'that was said before there was any');

    const whole = Buffer.from(await (await post(`${simulator.url}/v1/messages`, query)).arrayBuffer());
    const sent = whole.subarray(0, entry.replyBytes);
    assert.ok(sent.length >= Buffer.byteLength(body) && sent.length < whole.length);
    assert.equal(entry.replySha256, sha256(sent));
    assert.equal(entry.outputEvents, sent.toString().split('text_delta').length - 1);
  });

  it('stops writing at once when a client that does not read hangs up', async () => {
    const query = { model: 'sim-tokens-1000000', messages: hello, stream: true };
    const message = await postRaw(chatUrl, query);
    message.on('error', () => {});
    await new Promise((resolve) => message.once('readable', resolve));
    message.destroy();
    const entry = await simulator.journal.waitFor(({ modelRequested }) => modelRequested === query.model);
    assert.equal(entry.ended, 'client_aborted');
    assert.ok(entry.outputEvents > 0 && entry.outputEvents < 200_000, String(entry.outputEvents));
  });

  it('notes a request whose body never arrived', async () => {
    const request = httpRequest(chatUrl, {
      method: 'POST',
      agent: false,
      headers: { 'content-length': 100 },
    });
    request.on('error', () => {});
    request.flushHeaders();
    await new Promise<void>((resolve) => request.write('{"model":', () => resolve()));
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (simulator.journal.underWay().some(({ requestBytes }) => requestBytes === 9)) resolve();
        else setImmediate(look);
      };
      look();
    });
    request.destroy();
    const entry = (await simulator.journal.settled()).at(-1);
    assert.deepEqual([entry?.ended, entry?.requestBytes, entry?.status], ['client_aborted', 9, undefined]);
    assert.equal(entry?.requestSha256, sha256('{"model":'));
  });

  it('shows an exchange while it is under way', async () => {
    const reply = await postRaw(chatUrl, { model: 'sim-stall-1', messages: hello, stream: true });
    const growing = await simulator.journal.waitForReceived(
      ({ modelRequested }) => modelRequested === 'sim-stall-1',
    );
    assert.ok(simulator.journal.underWay().includes(growing));
    assert.equal(growing.ended, undefined);
    reply.destroy();
    await simulator.journal.settled();
    assert.equal(growing.ended, 'fault');
  });

  it('forgets the oldest, everything when cleared, and all of it where it is off', async () => {
    const small = await startFast({ journalMax: 2 });
    const off = await startFast({ journalMax: 0 });
    for (const [target, left] of [
      [small, [2, 3]],
      [off, []],
    ] as const) {
      for (let count = 0; count < 3; count += 1) await (await fetch(target.url)).text();
      assert.deepEqual(
        (await target.journal.settled()).map(({ id }) => id),
        left,
      );
      target.journal.clear();
      assert.deepEqual(target.journal.entries(), []);
      await target.close();
    }
  });

  it('gives up waiting at the deadline', async () => {
    await assert.rejects(
      simulator.journal.waitFor(() => false, { timeoutMs: 5 }),
      /within 5 ms/,
    );
  });

  it('agrees with what the client made of a stream that was cut in awkward places', async () => {
    const response = await post(
      chatUrl,
      { model: 'gpt-4o', messages: hello, stream: true },
      { 'x-simulator-chunking': 'bytes=7' },
    );
    const body = await response.text();
    assert.ok(chatText(body).length > 0);
    const entry = (await simulator.journal.settled()).at(-1);
    assert.deepEqual([entry?.replySha256, entry?.terminalSent], [sha256(body), true]);
  });
});
