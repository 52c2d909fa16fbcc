import { Router } from 'express';
import type { Alerts } from '../alerts/alerts.ts';
import { describeError } from '../errors.ts';
import type { InFlight } from '../flow/in-flight.ts';
import type { Logger } from '../log.ts';
import type { Plugins } from '../plugins/plugins.ts';
import type { MetricsCollector } from '../snapshots/metrics-collector.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ConsoleEvents } from './api/events.ts';
import { describeAlerts } from './describe-alerts.ts';
import { describePlugins } from './describe-plugins.ts';
import { type EventStream, type EventStreams, headOfStream } from './event-stream.ts';
import { lastSeen } from './last-seen.ts';

/** Calls back at every interval, until what it returns is called. */
export type Every = (intervalMs: number, callback: () => void) => () => void;

export interface ConsoleEventsOptions {
  readonly collector: Pick<MetricsCollector, 'snapshots' | 'since'>;
  readonly alerts: Alerts;
  readonly plugins: Plugins;
  readonly inFlight: Pick<InFlight, 'size'>;
  readonly telemetry: { readonly recent: Pick<Telemetry['recent'], 'newest'> };
  readonly log: Logger;
  readonly every?: Every;
}

/** What is told as it is now, whenever it is another than the reader was told. */
interface Topic {
  readonly event: keyof ConsoleEvents;
  /** Another one where the data is another. */
  readonly version: string;
  readonly data: () => ConsoleEvents[keyof ConsoleEvents];
}

const tickMs = 250;
/** To find out that something about plugins has changed, all of it is looked at. */
const ticksPerLookAtPlugins = 4;

const everyInterval: Every = (intervalMs, callback) => {
  const timer = setInterval(callback, intervalMs).unref();
  return () => clearInterval(timer);
};

/** All that the console is told as it happens, on one stream. */
export function consoleEventRoutes(options: ConsoleEventsOptions, streams: EventStreams): Router {
  const readers = new ConsoleReaders(options);
  const router = Router();
  router.head('/api/events', headOfStream);
  router.get('/api/events', (request, response) => {
    const since = lastSeen(request);
    readers.add(streams.open(response), since);
  });
  return router;
}

/**
 * The readers of the console's events. At every tick each of them is brought up to date, so that a thousand changes
 * between two ticks are one event, and one that reads slowly is told how things are when it has caught up. While
 * nobody reads, nothing is looked at.
 */
class ConsoleReaders {
  readonly #options: ConsoleEventsOptions;
  readonly #readers = new Set<ConsoleReader>();
  #stopTicking: (() => void) | undefined;
  #ticks = 0;
  #pluginsText = '';
  #pluginsVersion = 0;
  #isFailing = false;

  constructor(options: ConsoleEventsOptions) {
    this.#options = options;
  }

  /** @param since The moment that it knows of, ms since the epoch; default: now. */
  add(stream: EventStream, since: number | undefined): void {
    const { collector, every = everyInterval } = this.#options;
    // A later one is of another clock: nothing would ever come after it.
    const newest = collector.snapshots.at(-1)?.at ?? 0;
    const reader = new ConsoleReader(stream, collector, Math.min(since ?? newest, newest));
    this.#readers.add(reader);
    stream.onClose(() => this.#remove(reader));
    if (!this.#stopTicking) {
      this.#isFailing = false;
      this.#safely(() => this.#lookAtPlugins());
      this.#stopTicking = every(tickMs, () => this.#safely(() => this.#tick()));
    }
    this.#safely(() => this.#tell(reader, this.#topics()));
  }

  #remove(reader: ConsoleReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#stopTicking?.();
    this.#stopTicking = undefined;
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks % ticksPerLookAtPlugins === 0) this.#lookAtPlugins();
    const topics = this.#topics();
    for (const reader of this.#readers) this.#tell(reader, topics);
  }

  #tell(reader: ConsoleReader, topics: readonly Topic[]): void {
    reader.tell(topics).catch((thrown) => this.#failed(thrown));
  }

  /** Whatever `/api/plugins` shows: breakers, drains and leaks have no hook points. */
  #lookAtPlugins(): void {
    const text = JSON.stringify(describePlugins(this.#options.plugins));
    if (text === this.#pluginsText) return;
    this.#pluginsText = text;
    this.#pluginsVersion += 1;
  }

  #topics(): readonly Topic[] {
    const { alerts, plugins, telemetry } = this.#options;
    const inFlight = this.#options.inFlight.size;
    const { newest } = telemetry.recent;
    const { number: generation } = plugins.manager.generation;
    return [
      { event: 'alerts', version: String(alerts.evaluatedAt), data: () => describeAlerts(alerts) },
      { event: 'plugins', version: String(this.#pluginsVersion), data: () => ({ generation }) },
      { event: 'exchanges', version: `${inFlight} ${newest}`, data: () => ({ inFlight, newest }) },
    ];
  }

  #safely(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** Told once while somebody reads: four times a second it would fill the log. */
  #failed(thrown: unknown): void {
    if (!this.#isFailing) this.#options.log.error(describeError(thrown), 'the console could not be told');
    this.#isFailing = true;
  }
}

/** One reader, and what it knows. */
class ConsoleReader {
  readonly #stream: EventStream;
  readonly #collector: ConsoleEventsOptions['collector'];
  /** Of the newest snapshot that it has, ms since the epoch: the id of every event, so that it comes back with it. */
  #last: number;
  readonly #told = new Map<Topic['event'], string>();
  #isBusy = false;

  constructor(stream: EventStream, collector: ConsoleEventsOptions['collector'], last: number) {
    this.#stream = stream;
    this.#collector = collector;
    this.#last = last;
  }

  /** Sends what it does not know yet, as fast as it takes it. While that goes on, further calls do nothing. */
  async tell(topics: readonly Topic[]): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (const news of this.#news(topics)) {
        if (!this.#stream.isOpen) break;
        if (!this.#stream.send({ ...news, id: this.#last })) await this.#stream.drained();
      }
    } finally {
      this.#isBusy = false;
    }
  }

  *#news(topics: readonly Topic[]) {
    // Those too that come while it takes these.
    for (let next = this.#missed(); next.length > 0; next = this.#missed()) {
      for (const snapshot of next) {
        this.#last = snapshot.at;
        yield { event: 'snapshot', data: snapshot };
      }
    }
    for (const { event, version, data } of topics) {
      if (this.#told.get(event) === version) continue;
      this.#told.set(event, version);
      yield { event, data: data() };
    }
  }

  #missed(): readonly Snapshot[] {
    return this.#collector.since(this.#last);
  }
}
