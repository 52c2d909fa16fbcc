import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ServerMessage } from '../../src/stream/protocol.ts';
import { Endings } from '../support/endings.ts';
import { Random } from '../support/random.ts';
import { startService } from '../support/service.ts';
import { startBackend } from './backend.ts';
import { StreamClient } from './stream-client.ts';

/** Events whose number and lengths follow from the seed; some are not JSON. */
function eventsOf(seed: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: random.integer(0, 30) }, (_, i) =>
    random.chance(0.2) ? `text ${i}` : JSON.stringify({ i, filler: '€'.repeat(random.integer(0, 400)) }),
  );
}

const streamOf = (seed: number) =>
  eventsOf(seed)
    .map((data) => `data: ${data}\n\n`)
    .join('');

/** One query as its client sees it: what it may expect next, and what it has got. */
class Expected {
  readonly id: number;
  readonly seed: number;
  readonly reply: 'events' | 'bytes';
  readonly ended = Promise.withResolvers<'response' | 'error'>();
  isCancelled = false;
  #window: number;
  #data: unknown[] = [];
  #bytes: Buffer[] = [];
  #isOver = false;

  constructor(id: number, seed: number, random: Random) {
    this.id = id;
    this.seed = seed;
    this.reply = random.pick(['events', 'bytes'] as const);
    this.#window = random.chance(0.5) ? random.integer(1, 2_000) : Number.POSITIVE_INFINITY;
  }

  get query() {
    const window = Number.isFinite(this.#window) ? this.#window : undefined;
    return { type: 'query', id: this.id, method: 'GET', path: `/${this.seed}`, reply: this.reply, window };
  }

  /** Returns the bytes to grant. */
  take(message: ServerMessage, messageBytes: number, random: Random): number {
    assert.equal(this.#isOver, false, `seed ${this.seed}: a message after the last one`);
    if (message.type === 'chunk') return this.#takeChunk(message, messageBytes, random);
    this.#isOver = true;
    if (message.type === 'response') this.#compare();
    else assert.equal(message.type === 'error' && message.error.code, 'client_aborted');
    assert.ok(message.type === 'response' || this.isCancelled);
    this.ended.resolve(message.type as 'response' | 'error');
    return 0;
  }

  #takeChunk(message: ServerMessage & { type: 'chunk' }, messageBytes: number, random: Random): number {
    assert.ok(this.#window > 0, `seed ${this.seed}: more than was granted`);
    const { data, text, base64 } = message;
    const bytes = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
    this.#bytes.push(bytes);
    if (data !== undefined) this.#data.push(data);
    this.#window -= data === undefined ? bytes.length : messageBytes;
    if (this.#window > 0) return 0;
    const granted = random.integer(1, 3_000) - Math.min(0, this.#window);
    this.#window += granted;
    return granted;
  }

  #compare(): void {
    if (this.reply === 'bytes') {
      assert.equal(String(Buffer.concat(this.#bytes)), streamOf(this.seed), `seed ${this.seed}`);
    } else {
      const expected = eventsOf(this.seed).map((data) => (data.startsWith('{') ? JSON.parse(data) : data));
      assert.deepEqual(this.#data, expected, `seed ${this.seed}`);
    }
  }
}

it('many queries on one connection keep apart, whatever is granted and cancelled', async () => {
  await using backend = await startBackend((request, response) => {
    const seed = Number(request.url?.slice(1));
    const random = new Random(seed + 1);
    response.setHeader('content-type', 'text/event-stream').flushHeaders();
    const bytes = Buffer.from(streamOf(seed));
    let at = 0;
    const write = () => {
      if (response.destroyed) return;
      const end = at + random.integer(1, 4_000);
      response.write(bytes.subarray(at, end));
      at = end;
      if (at < bytes.length) setImmediate(write);
      else response.end();
    };
    write();
  });
  await using service = await startService({
    config: { upstreams: { default: backend.url }, limits: { clientMessagesPerSecondMax: 1_000_000 } },
  });
  const endings = new Endings(service);
  await using client = await StreamClient.open(service, { headers: { 'x-request-id': 'session' } });
  const random = new Random(7);
  const running = new Map<number, Expected>();
  const failed = Promise.withResolvers<never>();
  client.socket.on('message', (text) => {
    try {
      const message: ServerMessage = JSON.parse(String(text));
      const one = running.get(message.id as number);
      assert.ok(one, `a message for ${message.id}, which does not run`);
      const bytes = one.take(message, Buffer.byteLength(String(text)), random);
      if (bytes > 0) client.send({ type: 'window', id: one.id, bytes });
      if (random.chance(0.01)) {
        one.isCancelled = true;
        client.send({ type: 'cancel', id: one.id });
      }
    } catch (error) {
      failed.reject(error);
    }
  });
  const outcomes = { response: 0, error: 0 };
  /** Asks one after the other with the same id, so that ids are used again and again. */
  const ask = async (id: number) => {
    for (let i = 0; i < 20; i += 1) {
      const one = new Expected(id, id * 100 + i, random);
      running.set(id, one);
      client.send(one.query);
      outcomes[await one.ended.promise] += 1;
      running.delete(id);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: 40 }, (_, i) => ask(i))), failed.promise]);
  assert.equal(outcomes.response + outcomes.error, 800);
  assert.ok(outcomes.error > 0 && outcomes.response > 400, JSON.stringify(outcomes));
  client.socket.close(1000);
  assert.equal((await endings.of('session')).outcome, 'completed');
  const told = endings.all.filter(({ kind }) => kind === 'request').map(({ outcome }) => outcome);
  assert.equal(told.length, 800);
});
