import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { noAnswer } from '../../../src/console/page/try/answer.ts';
import { Run, type RunOptions, speedOf } from '../../../src/console/page/try/run.ts';
import { openaiChat } from '../../../src/dialects/openai-chat.ts';

interface Sent {
  readonly path: string;
  readonly init: RequestInit;
}

const query = {
  dialect: openaiChat,
  path: '/v1/chat/completions?a=b&c',
  body: '{"model":"x"}',
  headers: { accept: '*/*' },
};
const proxied = { 'x-request-id': 'q1', 'content-type': 'text/event-stream; charset=utf-8' };

describe('a query from the page', () => {
  let run: Run | undefined;
  afterEach(() => run?.stop());

  function start(fetch: RunOptions['fetch']): Run {
    let at = 1_000;
    run = new Run(query, {
      id: 'q1',
      fetch,
      now: () => {
        at += 10;
        return at;
      },
    });
    return run;
  }

  /** Resolves when nothing more comes. */
  async function ended(begun: Run): Promise<void> {
    await new Promise<void>((resolve) => {
      begun.endedAt.subscribe((at) => at !== undefined && resolve());
    });
  }

  it('goes to the proxy with its id, and reads the stream', async () => {
    const sent: Sent[] = [];
    const begun = start(async (path, init) => {
      sent.push({ path, init });
      const body =
        'data: {"choices":[{"delta":{"content":"A"}}]}\n\ndata: {"choices":[{"delta":{"content":"é"}}]}\n\ndata: [DONE]\n\n';
      return new Response(body, { headers: proxied });
    });
    assert.equal(begun.isRunning, true);
    await ended(begun);
    assert.equal(begun.isRunning, false);
    assert.equal(sent[0]?.path, '/api/try?path=%2Fv1%2Fchat%2Fcompletions%3Fa%3Db%26c');
    assert.deepEqual(sent[0]?.init.headers, {
      'content-type': 'application/json',
      accept: '*/*',
      'x-request-id': 'q1',
    });
    assert.equal(begun.state.value, 'ended');
    assert.equal(begun.status.value, 200);
    assert.deepEqual(
      begun.answer.value.parts.map(({ text }) => text),
      ['Aé'],
    );
    assert.equal(begun.answer.value.isWhole, true);
    assert.match(begun.raw.value, /^data: .*é.*\[DONE\]\n\n$/s);
    assert.ok((begun.firstOutputAt.value ?? 0) < (begun.endedAt.value ?? 0));
  });

  it('shows an error of the upstream as it is', async () => {
    const begun = start(async () =>
      Response.json(
        { error: { message: 'Slow down.', code: 'limit' } },
        { status: 429, headers: { 'x-request-id': 'q1' } },
      ),
    );
    await ended(begun);
    assert.equal(begun.state.value, 'ended');
    assert.equal(begun.status.value, 429);
    assert.equal(begun.answer.value.error, 'Slow down. (limit)');
    assert.equal(begun.problem.value, undefined);
  });

  it('tells a refusal of the console from an answer', async () => {
    const begun = start(async () =>
      Response.json({ error: { message: 'A token is wanted.', code: 'unauthorized' } }, { status: 401 }),
    );
    await ended(begun);
    assert.equal(begun.status.value, undefined);
    assert.equal(begun.problem.value, 'A token is wanted. (unauthorized)');
  });

  it('keeps what came before the reply broke off', async () => {
    const begun = start(async () => {
      let pulls = 0;
      const body = new ReadableStream({
        pull(controller) {
          pulls += 1;
          if (pulls > 1) return controller.error(new TypeError('network error'));
          controller.enqueue(new TextEncoder().encode('data: {"choices":[{"delta":{"content":"A"}}]}\n\n'));
        },
      });
      return new Response(body, { headers: proxied });
    });
    await ended(begun);
    assert.equal(begun.state.value, 'broken');
    assert.equal(begun.problem.value, 'The reply broke off before its end.');
    assert.equal(begun.answer.value.parts[0]?.text, 'A');
    assert.equal(begun.answer.value.isWhole, false);
  });

  it('says that Sightline does not answer', async () => {
    const begun = start(() => Promise.reject(new TypeError('Failed to fetch')));
    await ended(begun);
    assert.equal(begun.state.value, 'broken');
    assert.match(begun.problem.value ?? '', /^Sightline does not answer/);
  });

  it('hangs up when it is stopped, and keeps what came', async () => {
    const begun = start((_path, { signal }) => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('data: {"choices":[{"delta":{"content":"A"}}]}\n\n'));
          signal?.addEventListener('abort', () => controller.error(signal.reason));
        },
      });
      return Promise.resolve(new Response(body, { headers: proxied }));
    });
    await new Promise<void>((resolve) => {
      begun.firstOutputAt.subscribe((at) => at !== undefined && resolve());
    });
    begun.stop();
    begun.stop();
    await ended(begun);
    assert.equal(begun.state.value, 'stopped');
    assert.equal(begun.problem.value, undefined);
    assert.equal(begun.answer.value.parts[0]?.text, 'A');
  });

  it('shows so much of a reply as it came, and reads all of it', async () => {
    const text = 'x'.repeat(300_000);
    const begun = start(async () =>
      Response.json({ choices: [{ message: { content: text } }] }, { headers: { 'x-request-id': 'q1' } }),
    );
    await ended(begun);
    assert.equal(begun.raw.value.length, 200_000);
    assert.equal(begun.isRawCut.value, true);
    assert.equal(begun.answer.value.parts[0]?.text, text);
  });
});

describe('the speed of an answer', () => {
  it('is output a second since the first, as the upstream counts it where it has', () => {
    assert.equal(speedOf({ ...noAnswer, outputs: 20 }, 1_000, 3_000), 10);
    assert.equal(speedOf({ ...noAnswer, outputs: 20, outputTokens: 60 }, 1_000, 3_000), 30);
  });

  it('is unknown where too little came', () => {
    assert.equal(speedOf(noAnswer, undefined, 3_000), undefined);
    assert.equal(speedOf({ ...noAnswer, outputs: 1 }, 1_000, 3_000), undefined);
    assert.equal(speedOf({ ...noAnswer, outputs: 9 }, 1_000, 1_001), undefined);
  });
});
