import { pino } from 'pino';
import type { SessionDialect } from '../../../src/dialects/session-dialect.ts';
import type { SightlineError } from '../../../src/errors.ts';
import type { Attempt } from '../../../src/exchange/attempt.ts';
import { Exchange, type MiddlewareRun } from '../../../src/exchange/exchange.ts';
import { type Peer, type SessionClose, SessionFacts } from '../../../src/exchange/session-facts.ts';
import type { FlowServices } from '../../../src/flow/flow.ts';
import { InFlight } from '../../../src/flow/in-flight.ts';
import { HookSystem } from '../../../src/hooks/hook-system.ts';
import { defaultLimits, type Limits } from '../../../src/limits.ts';
import { ProtocolExtension } from '../../../src/messages/protocol-extension.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { MiddlewareStack, type StackEntry, stackEntry } from '../../../src/middleware/stack.ts';
import { Session } from '../../../src/session/session.ts';
import type { MessagePlan, Sending, SessionReader } from '../../../src/session/session-reader.ts';
import { createMessageReader } from '../../../src/session/turns/message-reader.ts';
import type { JsonObject } from '../../../src/wire/json.ts';
import { CountedLease } from '../../flow/counted-lease.ts';
import { toyDialect } from './toy-dialect.ts';

interface StageOptions {
  readonly dialect?: SessionDialect | undefined;
  readonly middleware?: readonly Middleware[];
  readonly entries?: readonly StackEntry[];
  readonly messages?: ProtocolExtension;
  readonly limits?: Partial<Limits>;
  readonly headers?: readonly string[];
  readonly target?: string;
}

/** What telemetry was told, in order. */
export interface Told {
  readonly begun: Exchange[];
  readonly attempts: Attempt[];
  readonly ended: Exchange[];
  /** Of middleware, on the session's own messages. */
  readonly runs: MiddlewareRun[];
}

/** The reader of one session, and around it what the relay does: it asks for the plan, and obeys. */
export class ReaderStage implements Disposable {
  readonly hooks: HookSystem;
  readonly inFlight = new InFlight();
  readonly lease = new CountedLease();
  readonly told: Told = { begun: [], attempts: [], ended: [], runs: [] };
  readonly session: Session;
  readonly reader: SessionReader;
  /** What each side got, in order: text as it was. */
  readonly got: Readonly<Record<Peer, string[]>> = { client: [], upstream: [] };
  /** The very bytes, for who wants to know whether they are the same. */
  readonly bytes: Buffer[] = [];
  readonly plans: MessagePlan[] = [];
  readonly failure: Promise<SightlineError>;
  /** Those of now; a test exchanges them as a reload does. */
  services: FlowServices;
  /** Of the upstream; as if it had never been paused. */
  readSince = 0;
  #failed: ((error: SightlineError) => void) | undefined;

  constructor(options: StageOptions = {}) {
    const {
      middleware = [],
      entries = middleware.map(stackEntry),
      headers = [],
      target = '/v1/toy?model=toy-1',
    } = options;
    const dialect = 'dialect' in options ? options.dialect : toyDialect;
    const limits = { ...defaultLimits, ...options.limits };
    const { promise, resolve } = Promise.withResolvers<SightlineError>();
    this.failure = promise;
    this.#failed = resolve;
    this.hooks = new HookSystem({ timeoutMs: 1_000, pendingMax: 1_000, onFailure: () => undefined });
    this.services = {
      hooks: this.hooks,
      stack: this.stack(entries),
      messages: options.messages ?? new ProtocolExtension([]),
      lease: this.lease,
      recorder: {
        begin: (exchange) => void this.told.begun.push(exchange),
        beginAttempt: (_exchange, attempt) => {
          this.told.attempts.push(attempt);
          return ['traceparent', 'of no use'];
        },
        middlewareRan: (exchange) => void this.told.runs.push(...exchange.takeRuns()),
        end: (exchange) => void this.told.ended.push(exchange),
      },
      inFlight: this.inFlight,
      limits,
      log: pino({ level: 'silent' }),
    };
    const head = { method: 'GET', target, path: '/v1/toy', headers, httpVersion: '1.1' };
    const route = { template: '/v1/toy', upstream: 'default', dialect };
    const place = { kind: 'session', facts: new SessionFacts(dialect?.name ?? 'unknown') } as const;
    this.session = new Session(
      () => this.services,
      new Exchange('session-1', false, head, route, limits, place),
    );
    this.reader = createMessageReader({
      session: this.session,
      dialect,
      upstream: { name: 'default', provider: 'toy', address: 'toy.test', port: 443 },
      control: {
        send: (sending) => this.#deliver([sending]),
        readSince: () => this.readSince,
        fail: (error) => {
          this.#failed?.(error);
          this.end(error);
        },
      },
    });
  }

  get facts(): SessionFacts {
    return this.session.facts;
  }

  /** The exchanges of turns, in the order in which they began. */
  get turns(): readonly Exchange[] {
    return this.told.begun.filter(({ place }) => place.kind === 'turn');
  }

  stack(entries: readonly StackEntry[]): MiddlewareStack {
    return new MiddlewareStack(entries, { timeoutMs: 1_000, onFailure: () => undefined });
  }

  /** The plugins of now. */
  reload(change: Partial<FlowServices>): void {
    this.services = { ...this.services, ...change };
  }

  client(message: JsonObject | string): Promise<void> | undefined {
    return this.#message('client', message);
  }

  upstream(message: JsonObject | string): void {
    const later = this.#message('upstream', message);
    if (later) throw new Error('a message of the upstream waits for nobody');
  }

  /** A turn from its query to the upstream's last word. */
  async turn(turn: string, end: JsonObject = {}): Promise<void> {
    await this.client({ type: 'ask' });
    this.upstream({ type: 'begin', turn });
    this.upstream({ type: 'text', turn, text: 'word' });
    this.upstream({ type: 'end', turn, ...end });
  }

  close(by: SessionClose['by']): void {
    this.facts.close = { by, code: 1000, reason: '' };
    this.end(undefined);
  }

  [Symbol.dispose](): void {
    this.close('client');
  }

  end(error: SightlineError | undefined): void {
    this.reader.end(error, performance.now());
    this.session.end(error?.outcome ?? 'completed', error);
  }

  #message(from: Peer, message: JsonObject | string): Promise<void> | undefined {
    const data = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    const plan = this.reader.plan(from, false);
    this.plans.push(plan);
    if (plan === 'hold') {
      const sendings = this.reader.take(from, { data, isBinary: false }, performance.now());
      if (sendings instanceof Promise) return sendings.then((later) => this.#deliver(later));
      this.#deliver(sendings);
      return undefined;
    }
    this.#deliver([{ to: from === 'client' ? 'upstream' : 'client', data, isBinary: false }]);
    if (plan === 'look') this.reader.seen(from, { data, isBinary: false }, performance.now());
    return undefined;
  }

  #deliver(sendings: readonly Sending[]): void {
    for (const { to, data } of sendings) {
      this.got[to].push(data.toString());
      this.bytes.push(data);
    }
  }
}

/** What is under way has come to its end, where nothing waits for a timer. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
