import type { Socket } from 'node:net';
import { asSightlineError, describeError, SightlineError } from '../../errors.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import { Query } from '../../exchange/query.ts';
import { Reply } from '../../exchange/reply.ts';
import type { Peer } from '../../exchange/session-facts.ts';
import type { FlowServices } from '../../flow/flow.ts';
import { beginAttempt, endAttempt, noteChunk, tellHead, tellQuery } from '../../flow/moments.ts';
import { sendProblem, sendReply } from '../../flow/own-reply.ts';
import { replyHeaders } from '../../flow/reply-headers.ts';
import type { ReplySink, SinkWatcher } from '../../flow/reply-sink.ts';
import type { Passage } from '../../middleware/passage.ts';
import { openUpgrade, type UpgradeAnswer } from '../../transports/upgrade.ts';
import { headerValue, withoutHeaders } from '../../wire/headers.ts';
import type { Extensions } from '../../wire/websocket/frame-parser.ts';
import type { ProxiedRoute } from '../proxied-session.ts';
import type { Session, SessionRun, Upgrade } from '../session.ts';
import { EarlyBytes } from './early-bytes.ts';
import { agreedExtensions, switchingHead } from './handshake-head.ts';
import { RefusedUpgrade, upgradeHeader } from './refused-upgrade.ts';

type Switched = Extract<UpgradeAnswer, { kind: 'switched' }>;
type Refused = Extract<UpgradeAnswer, { kind: 'reply' }>;
type OnSwitched = (sockets: Readonly<Record<Peer, Socket>>, extensions: Extensions) => void;

const extensionsField = new Set(['sec-websocket-extensions']);

/**
 * From the upgrade to its answer it is much like the flow of an HTTP request: middleware in, attempt, answer,
 * middleware out. Where the answer is a WebSocket, a relay takes its place; else it ends once, in `#finish`.
 */
export class Handshake implements SessionRun, SinkWatcher {
  readonly #session: Session;
  /** Those that the handshake began with. */
  readonly #services: FlowServices;
  readonly #route: ProxiedRoute;
  readonly #client: Socket;
  readonly #early: EarlyBytes;
  readonly #passage: Passage | undefined;
  readonly #abort = new AbortController();
  readonly #onSwitched: OnSwitched;
  #sink: ReplySink | undefined;
  #refused: RefusedUpgrade | undefined;
  #isSwitched = false;
  #hasFailed = false;
  /** The answer is on its way to the client. */
  #result: { readonly outcome: Outcome; readonly error: SightlineError | undefined } | undefined;
  #isSent = false;

  constructor(session: Session, { socket, head }: Upgrade, route: ProxiedRoute, onSwitched: OnSwitched) {
    this.#session = session;
    this.#onSwitched = onSwitched;
    this.#services = session.services;
    this.#route = route;
    // That of a TCP server: it is one.
    this.#client = socket as Socket;
    this.#early = new EarlyBytes(this.#client, head, () => this.#clientGone());
    this.#passage = this.#services.stack.enter(session.exchange);
  }

  start(): void {
    this.#services.lease?.acquire();
    this.#session.run(this);
    void this.#run();
  }

  async #run(): Promise<void> {
    const { exchange } = this.#session;
    const { method, headers } = exchange.request;
    try {
      const query = new Query({ method, target: this.#route.target, headers, body: undefined });
      const answer = this.#passage ? await this.#passage.beforeQuery(query) : query;
      if (exchange.hasEnded || this.#hasFailed) return;
      if (answer instanceof Query) await this.#ask(this.#offered(answer));
      else await this.#answer(answer);
    } catch (thrown) {
      this.fail(asSightlineError(thrown));
    }
  }

  /** Where somebody has to read messages, they must not be compressed. */
  #offered(query: Query): Query {
    if (!this.#isRead || query.header('sec-websocket-extensions') === undefined) return query;
    return query.with({ headers: withoutHeaders(query.headers, extensionsField) });
  }

  get #isRead(): boolean {
    return this.#route.dialect !== undefined || this.#services.messages.size > 0;
  }

  async #ask(query: Query): Promise<void> {
    const { exchange } = this.#session;
    const services = this.#services;
    const { upstream, dialect } = this.#route;
    tellQuery(services, exchange, query);
    const attempt = exchange.beginAttempt(upstream.identity(dialect));
    exchange.overheadMs += attempt.startedAt - exchange.clock.startedAt;
    const { target, headers } = upstream.request(query, beginAttempt(services, exchange, attempt));
    const { url: address, limits } = upstream;
    const answer = await openUpgrade({ address, target, headers, limits }, this.#abort.signal);
    attempt.headAt = performance.now();
    attempt.status = answer.status;
    attempt.upstreamRequestId =
      headerValue(answer.headers, 'x-request-id') ?? headerValue(answer.headers, 'request-id');
    tellHead(services, exchange, answer.status, answer.headers);
    if (answer.kind === 'switched') this.#switch(answer, query);
    else this.#refuse(answer);
    exchange.overheadMs += performance.now() - attempt.headAt;
  }

  #switch(answer: Switched, query: Query): void {
    const { exchange, facts } = this.#session;
    const extensions = agreedExtensions(answer.headers);
    if (extensions !== 'none' && query.header('sec-websocket-extensions') === undefined) {
      answer.socket.destroy();
      throw new SightlineError('upstream_invalid_reply', {
        message: 'The upstream agreed to WebSocket extensions that nobody had offered.',
      });
    }
    const { status, statusMessage, headers } = answer;
    exchange.status = status;
    facts.subprotocol = headerValue(headers, 'sec-websocket-protocol');
    this.#early.giveBack();
    this.#client.write(switchingHead(exchange, statusMessage, headers), 'latin1');
    this.#isSwitched = true;
    this.#onSwitched({ client: this.#client, upstream: answer.socket }, extensions);
    void this.#leave({ status, statusMessage, headers }).then(() => this.#letGo());
  }

  /** It stays HTTP: the client gets the reply as it is. */
  #refuse(answer: Refused): void {
    const { exchange } = this.#session;
    const { attempt } = exchange;
    const { status, statusMessage, headers, body } = answer;
    const sink = this.#openSink();
    exchange.status = status;
    sink.head(status, statusMessage, [...replyHeaders(exchange, headers), ...upgradeHeader(status, headers)]);
    this.#refused = new RefusedUpgrade(body, sink, this.#route.upstream.limits.replyIdleTimeoutMs, {
      onData: (bytes) => {
        if (attempt) attempt.bytes += bytes.length;
        noteChunk(this.#services, exchange, bytes);
      },
      onEnd: () => {
        endAttempt(this.#services, exchange, 'upstream_error', undefined);
        void this.#leave({ status, statusMessage, headers }).then(() =>
          this.#settle('upstream_error', undefined),
        );
      },
      onError: (error) => this.fail(error),
    });
  }

  /** A reply of our own: a middleware's answer, or its repair of an error. */
  async #answer(reply: Reply, isRepair = false): Promise<void> {
    const last = this.#passage ? await this.#passage.afterResponse(reply) : reply;
    const { exchange } = this.#session;
    if (exchange.hasEnded || this.#sink?.hasBegun || (this.#hasFailed && !isRepair)) return;
    sendReply(exchange, this.#openSink(), last);
    this.#settle('completed', undefined);
  }

  fail(error: SightlineError): void {
    if (this.#hasFailed || this.#isSwitched || this.#session.exchange.hasEnded) return;
    this.#hasFailed = true;
    this.#abort.abort(error);
    this.#refused?.abort();
    this.#tellFailure(error).catch((thrown: unknown) => {
      this.#services.log.error(describeError(thrown), 'a failed handshake could not be answered');
      this.#client.destroy();
      this.#finish(error.outcome, error);
    });
  }

  async #tellFailure(error: SightlineError): Promise<void> {
    const { exchange } = this.#session;
    if (this.#sink?.hasBegun) {
      this.#sink.break(error, false);
      this.#finish(error.outcome, error);
      return;
    }
    // Nobody is waited for any more when the service stops.
    const repair = error.code === 'stopping' ? undefined : await this.#passage?.onError(error);
    if (exchange.hasEnded) return;
    endAttempt(this.#services, exchange, error.outcome, error);
    if (repair) {
      await this.#answer(repair, true);
      return;
    }
    sendProblem(exchange, this.#openSink(), error);
    this.#settle(error.outcome, error);
  }

  drain(): void {
    this.fail(new SightlineError('stopping'));
  }

  onDrain(): void {
    this.#refused?.resume();
  }

  onStall(): void {
    const error = new SightlineError('client_stalled');
    // Not even what it is told of a failure is taken: its connection is closed, and that ends it.
    if (this.#hasFailed) this.#sink?.break(error, false);
    else this.fail(error);
  }

  onClose(isSent: boolean): void {
    this.#isSent = isSent;
    if (!isSent) this.#clientGone();
    else if (this.#result) this.#finish(this.#result.outcome, this.#result.error);
  }

  #clientGone(): void {
    const error = new SightlineError('client_aborted');
    this.#abort.abort(error);
    this.#refused?.abort();
    this.#client.destroy();
    const { outcome, error: cause } = this.#result ?? {};
    if (outcome && outcome !== 'completed') this.#finish(outcome, cause);
    else this.#finish('client_aborted', error);
  }

  #openSink(): ReplySink {
    // A reply that could not be sent has opened it.
    if (this.#sink) return this.#sink;
    this.#early.drop();
    this.#sink = this.#route.answer();
    this.#sink.watcher = this;
    return this.#sink;
  }

  /** Nothing more will come: the session ends as soon as the client has it all. */
  #settle(outcome: Outcome, error: SightlineError | undefined): void {
    this.#result ??= { outcome, error };
    if (this.#isSent) this.#finish(this.#result.outcome, this.#result.error);
  }

  #finish(outcome: Outcome, error: SightlineError | undefined): void {
    const { exchange } = this.#session;
    if (exchange.hasEnded) return;
    const at = performance.now();
    endAttempt(this.#services, exchange, outcome, error, at);
    this.#session.end(outcome, error, at);
    void this.#letGo();
  }

  /** Whoever was entered sees the reply that the client has. */
  async #leave(head: Pick<Reply, 'status' | 'statusMessage' | 'headers'>): Promise<void> {
    await this.#passage?.afterResponse(new Reply({ ...head, isSent: true }));
  }

  /** The handshake is over: whoever is still entered is left, and the plugins that it began with may go. */
  async #letGo(): Promise<void> {
    await this.#passage?.abandon(this.#session.exchange.error ?? new SightlineError('client_aborted'));
    await this.#passage?.left();
    this.#services.lease?.release();
  }
}
