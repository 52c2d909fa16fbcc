import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { dialectFor } from '../../src/dialects/index.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { observeReply, type ReplyObservation } from '../../src/dialects/reply-observer.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { defaultLimits } from '../../src/limits.ts';
import {
  type Recording,
  recordedReplies,
  recordedStreams,
  seededRandom,
  splitAtRandom,
} from './recordings.ts';

function observing(overrides: Partial<ReplyObservation>) {
  const facts = emptyReplyFacts();
  const outputs: number[] = [];
  const observer = observeReply({
    dialect: openaiChat,
    status: 200,
    contentType: 'application/json',
    contentEncoding: undefined,
    facts,
    limits: defaultLimits,
    onOutput: (at) => outputs.push(at),
    ...overrides,
  });
  return { observer, facts, outputs };
}

function recordingOf(list: Recording[], name: string): Recording {
  const recording = list.find((one) => one.name === name);
  assert.ok(recording);
  return recording;
}

const stream = recordingOf(recordedStreams('openai-chat'), 'text-with-usage');
const reply = recordingOf(recordedReplies('openai-chat'), 'whole-with-tool-call');
const sse = 'text/event-stream';

describe('the observer of a stream', () => {
  it('tells when output came', () => {
    const { observer, outputs } = observing({ contentType: sse });
    const events = stream.bytes.toString().split(/(?<=\n\n)/);
    for (const [i, event] of events.entries()) observer?.push(Buffer.from(event), i);
    assert.equal(observer?.end(true), undefined);
    assert.deepEqual(outputs, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('reads a compressed stream to the same facts', async () => {
    const random = seededRandom(1);
    const { observer, facts, outputs } = observing({ contentType: sse, contentEncoding: 'gzip' });
    for (const chunk of splitAtRandom(gzipSync(stream.bytes), random, 50)) observer?.push(chunk, 5);
    await observer?.end(true);
    assert.deepEqual(facts, stream.facts);
    assert.deepEqual(outputs, Array(stream.outputs).fill(5));
    assert.equal(observer?.skipped, undefined);
  });

  it('keeps what a compressed stream said before it broke off, and calls that no fault', async () => {
    const { observer, facts } = observing({ contentType: sse, contentEncoding: 'gzip' });
    const encoded = gzipSync(Buffer.concat([stream.bytes, Buffer.alloc(200_000, ': x\n')]), { level: 0 });
    observer?.push(encoded.subarray(0, 150_000), 0);
    await observer?.end(false);
    assert.deepEqual(facts.finishReasons, ['stop']);
    assert.equal(observer?.skipped, undefined);
  });

  it('reads a last event whose blank line is missing, where the reply came to its end', () => {
    for (const complete of [true, false]) {
      const { observer, facts } = observing({ contentType: sse });
      observer?.push(stream.bytes.subarray(0, -2), 0);
      void observer?.end(complete);
      assert.equal(facts.terminal, complete);
    }
  });

  it('says why it could not read', async () => {
    const skipped = async (overrides: Partial<ReplyObservation>, bytes: Buffer) => {
      const { observer } = observing({ contentType: sse, ...overrides });
      observer?.push(bytes, 0);
      await observer?.end(true);
      return observer?.skipped;
    };
    const limits = { ...defaultLimits, eventBytesMax: 50 };
    assert.equal(await skipped({ limits }, stream.bytes), 'too_large');
    assert.equal(await skipped({ contentEncoding: 'gzip' }, stream.bytes), 'decode_failed');
    assert.equal(await skipped({ contentEncoding: 'rot13' }, stream.bytes), 'unknown_encoding');
    const tight = { ...defaultLimits, bodyBytesMax: 100 };
    assert.equal(
      await skipped({ contentEncoding: 'gzip', limits: tight }, gzipSync(stream.bytes)),
      'too_large',
    );
  });

  it('lets no fault of a dialect or of its listener out', () => {
    const fault = () => {
      throw new Error('fault');
    };
    for (const overrides of [{ dialect: { ...openaiChat, readEvent: fault } }, { onOutput: fault }]) {
      const { observer } = observing({ contentType: sse, ...overrides });
      observer?.push(stream.bytes, 0);
      observer?.push(stream.bytes, 0);
      void observer?.end(true);
      assert.equal(observer?.skipped, 'malformed');
    }
  });
});

describe('the observer of a whole reply', () => {
  it('reads it when it is over', () => {
    const { observer, facts } = observing({ contentType: 'Application/JSON; charset=utf-8' });
    for (const chunk of splitAtRandom(reply.bytes, seededRandom(2), 100)) observer?.push(chunk, 0);
    assert.deepEqual(facts, emptyReplyFacts());
    assert.equal(observer?.end(true), undefined);
    assert.deepEqual(facts, reply.facts);
  });

  it('reads a compressed one, and then gives a promise', async () => {
    const { observer, facts } = observing({ contentEncoding: 'gzip' });
    observer?.push(gzipSync(reply.bytes), 0);
    const ended = observer?.end(true);
    assert.ok(ended instanceof Promise);
    await ended;
    assert.deepEqual(facts, reply.facts);
  });

  it('reads nothing of one that broke off in the middle', () => {
    const { observer, facts } = observing({});
    observer?.push(reply.bytes.subarray(0, reply.bytes.length >> 1), 0);
    void observer?.end(false);
    assert.deepEqual(facts, emptyReplyFacts());
    assert.equal(observer?.skipped, undefined);
  });

  it('reads one of which only the end is missing: its tokens count', () => {
    const { observer, facts } = observing({});
    observer?.push(reply.bytes, 0);
    void observer?.end(false);
    assert.ok((facts.usage.input ?? 0) > 0);
  });

  it('reads of an error its name, in every form in which backends send it', () => {
    const name = (body: unknown) => {
      const { observer, facts } = observing({ status: 400 });
      observer?.push(Buffer.from(JSON.stringify(body)), 0);
      void observer?.end(true);
      return [facts.error, facts.terminal, observer?.skipped];
    };
    const openai = { message: 'm', type: 'invalid_request_error', param: null, code: 'model_not_found' };
    assert.deepEqual(name({ error: openai }), ['model_not_found', false, undefined]);
    const anthropic = { type: 'error', error: { type: 'not_found_error', message: 'm' }, request_id: 'r' };
    assert.deepEqual(name(anthropic), ['not_found_error', false, undefined]);
    assert.deepEqual(name({ object: 'error', type: 'BadRequestError', code: 400 }), [
      'BadRequestError',
      false,
      undefined,
    ]);
    assert.deepEqual(name({ error: 'model not found' }), ['_OTHER', false, undefined]);
    assert.deepEqual(name({ detail: 'Not Found' }), ['_OTHER', false, undefined]);
    assert.deepEqual(name({ error: { code: 'c'.repeat(9999) } })[0]?.toString().length, 256);
  });

  it('says why it could not read', async () => {
    const skipped = async (overrides: Partial<ReplyObservation>, bytes: Buffer) => {
      const { observer, facts } = observing(overrides);
      observer?.push(bytes, 0);
      await observer?.end(true);
      assert.deepEqual(facts, emptyReplyFacts());
      return observer?.skipped;
    };
    const limits = { ...defaultLimits, observedReplyBytesMax: 600 };
    assert.equal(await skipped({ limits }, reply.bytes), 'too_large');
    assert.equal(await skipped({ limits, contentEncoding: 'gzip' }, gzipSync(reply.bytes)), 'too_large');
    assert.equal(await skipped({ contentEncoding: 'gzip' }, reply.bytes), 'decode_failed');
    assert.equal(await skipped({ contentEncoding: 'rot13' }, reply.bytes), 'unknown_encoding');
    assert.equal(await skipped({}, reply.bytes.subarray(1)), 'malformed');
    assert.equal(await skipped({}, Buffer.from('[]')), 'malformed');
    assert.equal(await skipped({}, Buffer.alloc(0)), 'malformed');
  });

  it('is not there where there is nothing to read', () => {
    assert.equal(observing({ contentType: undefined }).observer, undefined);
    assert.equal(observing({ contentType: 'text/html', status: 502 }).observer, undefined);
    assert.equal(observing({ contentType: 'audio/mpeg' }).observer, undefined);
    assert.equal(observing({ status: 302 }).observer, undefined);
  });

  it('reads every recorded reply', () => {
    for (const path of ['/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/messages']) {
      const dialect = dialectFor('POST', path);
      assert.ok(dialect);
      for (const recording of recordedReplies(dialect.name.replace('.', '-'))) {
        const { observer, facts } = observing({ dialect });
        observer?.push(recording.bytes, 0);
        void observer?.end(true);
        assert.deepEqual(facts, recording.facts);
      }
    }
  });
});
