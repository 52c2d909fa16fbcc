import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventFeed, retryDelayMs } from '../../../src/console/page/state/event-feed.ts';

class FakeSource {
  isClosed = false;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, listener);
  }

  tell(type: string, data?: unknown): void {
    this.#listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }

  close(): void {
    this.isClosed = true;
  }
}

const patienceMs = 60_000;

function open() {
  const sources: FakeSource[] = [];
  const waits: { readonly ms: number; readonly go: () => void; isOff: boolean }[] = [];
  const heard: unknown[] = [];
  const service = { answers: true, greetings: 0 };
  const feed = new EventFeed({
    async greet() {
      service.greetings += 1;
      if (!service.answers) throw new Error('nobody');
    },
    open() {
      const source = new FakeSource();
      sources.push(source);
      return source;
    },
    listeners: { news: (data: unknown) => heard.push(data) },
    silenceMsMax: () => patienceMs,
    wait(ms, go) {
      const wait = { ms, go, isOff: false };
      waits.push(wait);
      return () => {
        wait.isOff = true;
      };
    },
  });
  return {
    feed,
    sources,
    waits,
    heard,
    service,
    /** For its next tries, ms. */
    retries: () => waits.map(({ ms }) => ms).filter((ms) => ms !== patienceMs),
  };
}

const soon = () => new Promise(setImmediate);

describe('a stream of events that comes back', () => {
  it('greets, opens, and tells what comes', async () => {
    const { feed, sources, heard, service } = open();
    feed.start();
    feed.start();
    assert.equal(feed.state.peek(), 'connecting');
    await soon();
    sources[0]?.tell('open');
    feed.start();
    sources[0]?.tell('news', { n: 1 });
    assert.deepEqual(
      [feed.state.peek(), sources.length, service.greetings, heard],
      ['open', 1, 1, [{ n: 1 }]],
    );
  });

  it('tries again after it is lost, later each time, and says since when', async () => {
    const { feed, sources, waits, service, retries } = open();
    feed.start();
    await soon();
    sources[0]?.tell('open');
    service.answers = false;
    sources[0]?.tell('error');
    assert.equal(feed.state.peek(), 'lost');
    assert.equal(sources[0]?.isClosed, true);
    const lostAt = feed.lostAt.peek();
    assert.ok(lostAt);
    for (let n = 0; n < 3; n += 1) {
      waits.at(-1)?.go();
      await soon();
    }
    assert.deepEqual(retries(), [500, 1_000, 2_000, 4_000]);
    assert.equal(feed.lostAt.peek(), lostAt);
    service.answers = true;
    waits.at(-1)?.go();
    await soon();
    sources[1]?.tell('open');
    assert.deepEqual([feed.state.peek(), feed.lostAt.peek(), feed.openings.peek()], ['open', undefined, 2]);
  });

  it('tries at once where it is asked to, instead of later', async () => {
    const { feed, sources, waits } = open();
    feed.start();
    await soon();
    sources[0]?.tell('error');
    const retry = waits.at(-1);
    feed.start();
    await soon();
    assert.deepEqual([retry?.ms, retry?.isOff, sources.length], [500, true, 2]);
  });

  it('hears nothing more once it has stopped, also of a greeting that is under way', async () => {
    const { feed, sources, heard, waits } = open();
    feed.start();
    feed.stop();
    feed.stop();
    await soon();
    assert.deepEqual([feed.state.peek(), sources.length], ['idle', 0]);
    feed.start();
    await soon();
    feed.stop();
    sources[0]?.tell('news', 1);
    sources[0]?.tell('error');
    assert.deepEqual([feed.state.peek(), sources[0]?.isClosed, heard], ['idle', true, []]);
    assert.ok(waits.every(({ isOff }) => isOff));
  });

  it('is lost where nothing comes any more, and nobody says so', async () => {
    const { feed, sources, waits, retries } = open();
    feed.start();
    await soon();
    sources[0]?.tell('open');
    sources[0]?.tell('news', 1);
    const left = waits.filter(({ isOff }) => !isOff);
    assert.deepEqual(
      left.map(({ ms }) => ms),
      [patienceMs],
      'each event begins it anew',
    );
    left[0]?.go();
    assert.deepEqual([feed.state.peek(), sources[0]?.isClosed, retries()], ['lost', true, [500]]);
    waits.at(-1)?.go();
    await soon();
    sources[1]?.tell('open');
    assert.equal(feed.state.peek(), 'open');
  });

  it('is lost where its greeting is never answered', async () => {
    const { feed, waits, sources } = open();
    feed.start();
    waits[0]?.go();
    await soon();
    assert.deepEqual([feed.state.peek(), sources.length], ['lost', 0]);
  });

  it('waits five seconds at most', () => {
    assert.deepEqual([0, 1, 2, 5, 100].map(retryDelayMs), [500, 500, 1_000, 5_000, 5_000]);
  });
});
