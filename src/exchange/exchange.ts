import type { Span } from '@opentelemetry/api';
import type { Dialect } from '../dialects/dialect.ts';
import type { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import { Attempt, type UpstreamIdentity } from './attempt.ts';
import { type Clock, startClock } from './clock.ts';
import type { QueryFacts } from './facts.ts';
import type { Outcome } from './outcome.ts';
import type { Owner } from './owner.ts';
import type { SessionFacts } from './session-facts.ts';
import { ExchangeView } from './view.ts';

/** The request's head as it came. */
export interface RequestHead {
  readonly method: string;
  /** Path and query string, as sent. */
  readonly target: string;
  /** Path, as sent, without the query string. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly httpVersion: string;
}

/** Where the configuration sends it. */
export interface Route {
  /** Low-cardinality, for `http.route`. */
  readonly template: string;
  readonly upstream: string | undefined;
  readonly dialect: Dialect | undefined;
}

/**
 * What an exchange is: a request with its reply (over HTTP, or as a query of the stream protocol), a WebSocket
 * session from its upgrade to its close, or one turn of a session.
 */
export type ExchangePlace =
  | { readonly kind: 'request'; readonly session?: Exchange }
  | { readonly kind: 'session'; readonly facts: SessionFacts }
  | { readonly kind: 'turn'; readonly session: Exchange; readonly number: number };

export type MiddlewarePhase = 'before_query' | 'on_chunk' | 'after_response' | 'on_error';

/** One run of a middleware's callback; all `on_chunk` calls of one exchange are one run. */
export interface MiddlewareRun {
  readonly middleware: string;
  /** The plugin that brought it. */
  readonly owner: Owner | undefined;
  readonly phase: MiddlewarePhase;
  readonly startedAt: number;
  /** Time spent, ms. For `on_chunk` the sum over all chunks. */
  durationMs: number;
  calls: number;
  /** A callback has not answered yet. */
  isUnderWay: boolean;
  error: SightlineError | undefined;
}

const request: ExchangePlace = Object.freeze({ kind: 'request' });

/**
 * One request and its reply: the object that flows through everything. While it runs it only notes facts
 * and times; when it has ended, telemetry is made of it.
 */
export class Exchange {
  /** The request's id: the client's `x-request-id`, or one of ours. */
  readonly id: string;
  readonly clientSentId: boolean;
  readonly clock: Clock = startClock();
  readonly request: RequestHead;
  readonly route: Route;
  readonly place: ExchangePlace;
  readonly #limits: Limits;

  query: QueryFacts | undefined;
  /** Size of the request's body in bytes, where it is known. */
  requestBytes: number | undefined;
  readonly attempts: Attempt[] = [];
  readonly middlewareRuns: MiddlewareRun[] = [];
  middlewareRunsDropped = 0;
  /** Set by middleware: attributes of the SERVER span. */
  readonly attributes = new Map<string, string | number | boolean>();
  /** Set by middleware: labels of the duration and token metrics. */
  readonly labels = new Map<string, string>();
  /** What the client was told. */
  status: number | undefined;
  /** Our own share: time in which neither the client nor an upstream was waited for, ms. */
  overheadMs = 0;
  /** W3C ids, where tracing is on. */
  trace: { readonly traceId: string; readonly spanId: string; readonly flags: number } | undefined;
  /** The recorder's own. A map from exchanges to spans would hold on to what has ended. */
  span: Span | undefined;

  outcome: Outcome | undefined;
  error: SightlineError | undefined;
  endedAt: number | undefined;

  #view: ExchangeView | undefined;

  constructor(
    id: string,
    clientSentId: boolean,
    head: RequestHead,
    route: Route,
    limits: Limits,
    place: ExchangePlace = request,
  ) {
    this.id = id;
    this.clientSentId = clientSentId;
    this.request = head;
    this.route = route;
    this.place = place;
    this.#limits = limits;
  }

  /** What hooks and middleware see of it. Made when first asked for. */
  get view(): ExchangeView {
    this.#view ??= new ExchangeView(this);
    return this.#view;
  }

  get attempt(): Attempt | undefined {
    return this.attempts.at(-1);
  }

  /** The session that it belongs to, or that it is. */
  get session(): Exchange | undefined {
    return this.place.kind === 'session' ? this : this.place.session;
  }

  get hasEnded(): boolean {
    return this.outcome !== undefined;
  }

  header(name: string): string | undefined {
    return headerValue(this.request.headers, name);
  }

  beginAttempt(upstream: UpstreamIdentity): Attempt {
    const attempt = new Attempt(this.attempts.length + 1, upstream, this.#limits.chunkGapsMax);
    this.attempts.push(attempt);
    return attempt;
  }

  noteRun(run: MiddlewareRun): void {
    if (this.middlewareRuns.length < this.#limits.middlewareRunsMax) this.middlewareRuns.push(run);
    else this.middlewareRunsDropped += 1;
  }

  /** Takes out those that are over. */
  takeRuns(): MiddlewareRun[] {
    const runs = this.middlewareRuns.splice(0);
    this.middlewareRuns.push(...runs.filter(({ isUnderWay }) => isUnderWay));
    return runs.filter(({ isUnderWay }) => !isUnderWay);
  }

  /** Ends once, with the first outcome. Returns whether this call ended it. */
  end(outcome: Outcome, error: SightlineError | undefined, at = performance.now()): boolean {
    if (this.outcome !== undefined) return false;
    this.outcome = outcome;
    this.error = error;
    this.endedAt = at;
    this.attempt?.end(outcome, error, at);
    for (const run of this.middlewareRuns)
      if (run.isUnderWay) run.durationMs = Math.max(0, at - run.startedAt);
    return true;
  }
}
