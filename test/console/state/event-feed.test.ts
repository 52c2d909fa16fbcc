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
    wait(ms, go) {
      const wait = { ms, go, isOff: false };
      waits.push(wait);
      return () => {
        wait.isOff = true;
      };
    },
  });
  return { feed, sources, waits, heard, service };
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
    const { feed, sources, waits, service } = open();
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
    assert.deepEqual(
      waits.map(({ ms }) => ms),
      [500, 1_000, 2_000, 4_000],
    );
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
    feed.start();
    await soon();
    assert.deepEqual([waits[0]?.isOff, sources.length], [true, 2]);
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
    assert.deepEqual([feed.state.peek(), sources[0]?.isClosed, heard, waits], ['idle', true, [], []]);
  });

  it('waits five seconds at most', () => {
    assert.deepEqual([0, 1, 2, 5, 100].map(retryDelayMs), [500, 500, 1_000, 5_000, 5_000]);
  });
});
