import type { UpstreamMark } from '../../dialects/session-dialect.ts';
import { SightlineError } from '../../errors.ts';
import type { RequestHead } from '../../exchange/exchange.ts';
import type { QueryFacts } from '../../exchange/facts.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { JsonObject } from '../../wire/json.ts';
import { problemMessage, textMessage } from './problem-message.ts';
import type { ProxiedScene } from './proxied-scene.ts';
import { SessionModel } from './session-model.ts';
import { Silence } from './silence.ts';
import { Turn, type TurnWatcher } from './turn.ts';
import { tracedRequest, untracedRequest } from './turn-request.ts';

/** Queries that went on without a turn, because there were too many; in the order of all. */
interface Untold {
  count: number;
}

type RefusedMark = Extract<UpstreamMark, { kind: 'refused' }>;

/** A message that asks for a turn. */
export interface Asking {
  readonly payload: JsonObject;
  readonly bytes: number;
  readonly eventId: string | undefined;
}

/** The turns of one session: which of them a message belongs to, and what becomes of them when it ends. */
export class Turns implements TurnWatcher {
  readonly model: SessionModel;
  isOver = false;
  readonly #scene: ProxiedScene;
  readonly #silence: Silence;
  readonly #request: RequestHead;
  // Lists, not maps: they are short, and a map that changes all the time leaves old tables behind.
  readonly #open: Turn[] = [];
  /** On their way to the upstream, in order. It begins them in this order too. */
  readonly #waiting: (Turn | Untold)[] = [];
  /** Begun by the upstream, and not ended by it. */
  readonly #running: Turn[] = [];

  constructor(scene: ProxiedScene) {
    const { session, dialect, limits, control } = scene;
    this.#scene = scene;
    this.#silence = new Silence(limits, control);
    this.#request = untracedRequest(session.exchange.request);
    this.model = new SessionModel(dialect?.upgradeModel(session.exchange.request.target));
  }

  /** Those that have not ended. */
  get open(): number {
    return this.#open.length;
  }

  /** A turn has to see the upstream's messages before the client does, whatever plugins there are by now. */
  get holdMessages(): boolean {
    return (
      this.#running.some(isHolding) || this.#waiting.some((one) => one instanceof Turn && isHolding(one))
    );
  }

  /** Begins a turn; `undefined` for one that the upstream began by itself. None where too many are open. */
  begin(services: FlowServices, asking: Asking | undefined): Turn | undefined {
    const { session, dialect, upstream, limits } = this.#scene;
    if (!dialect || this.#count() >= limits.turnsOpenMax) {
      session.facts.turnsDropped += 1;
      return undefined;
    }
    const turn = new Turn({
      session,
      services,
      dialect,
      upstream,
      watcher: this,
      request: asking ? tracedRequest(this.#request, asking.payload) : this.#request,
      query: this.queryFacts(asking?.payload),
      queryBytes: asking?.bytes,
    });
    turn.eventId = asking?.eventId;
    this.#open.push(turn);
    return turn;
  }

  /** Those that failed here are still told apart, as long as the upstream goes on with them. */
  #count(): number {
    let count = this.#open.length;
    for (const one of this.#waiting) if (one instanceof Turn && one.isCutOff) count += 1;
    for (const one of this.#running) if (one.isCutOff) count += 1;
    return count;
  }

  /** What a query leaves out, its session has said before. */
  queryFacts(payload: JsonObject | undefined): QueryFacts {
    const facts = payload && this.#scene.dialect?.readQuery(payload);
    const model = facts?.model ?? this.model.asked;
    return { ...facts, stream: true, ...(model !== undefined && { model }) };
  }

  /** The turn's query is on its way to the upstream. */
  wait(turn: Turn): void {
    this.#giveUpDoubtful();
    this.#waiting.push(turn);
    this.#expect();
  }

  /** The client asks anew and nothing has begun: those that an error may have been about were refused by it. */
  #giveUpDoubtful(): void {
    for (let place = this.#waiting.length - 1; place >= 0; place -= 1) {
      const one = this.#waiting[place];
      if (!(one instanceof Turn) || one.doubt === undefined) continue;
      this.#waiting.splice(place, 1);
      one.refused(one.doubt, performance.now());
    }
  }

  /** A query without a turn is on its way. */
  waitUntold(): void {
    const last = this.#waiting.at(-1);
    if (last && !(last instanceof Turn)) last.count += 1;
    else this.#waiting.push({ count: 1 });
  }

  /** The upstream has said something. */
  heard(at: number): void {
    this.#silence.heard(at);
  }

  /**
   * The upstream has begun a turn: the one that waits longest. `unasked` where nobody asked for it, `untold` where
   * it has no turn here.
   */
  begun(id: string, at: number): Turn | 'unasked' | 'untold' {
    const known = this.of(id);
    if (known) return known;
    const first = this.#waiting[0];
    if (!first) return 'unasked';
    if (!(first instanceof Turn)) {
      first.count -= 1;
      if (first.count === 0) this.#waiting.shift();
      return 'untold';
    }
    this.#waiting.shift();
    this.run(first, id, at);
    return first;
  }

  run(turn: Turn, id: string, at: number): void {
    turn.id = id;
    this.#running.push(turn);
    turn.begun(at, this.model.confirmed);
    if (turn.isCutOff) this.#cancel(turn);
    this.#expect();
  }

  /** The turn of this id that runs; without an id, the one that began last. */
  of(id: string | undefined): Turn | undefined {
    return id === undefined ? this.#running.at(-1) : this.#running.find((turn) => turn.id === id);
  }

  /** The turn that the upstream refuses to begin: by its message's id, else the one that waits longest. */
  refused(mark: RefusedMark): Turn | undefined {
    const place = this.#refusedPlace(mark);
    const found = this.#waiting[place];
    if (!found) {
      if (mark.eventId === undefined) this.#doubt(mark.error);
      return undefined;
    }
    const isTurn = found instanceof Turn;
    if (!isTurn) found.count -= 1;
    if (isTurn || found.count === 0) this.#waiting.splice(place, 1);
    this.#expect();
    return isTurn ? found : undefined;
  }

  /** The error names no message: it may have been one that asks for a turn, or any other. */
  #doubt(error: string): void {
    for (const one of this.#waiting) if (one instanceof Turn) one.doubt ??= error;
    this.#expect();
  }

  #refusedPlace({ eventId, isQuery, isBusy }: RefusedMark): number {
    if (eventId === undefined) {
      if (!isQuery) return -1;
      // What runs there is then the one that waits longest: the next one was refused.
      return isBusy && this.#running.length === 0 ? Math.min(1, this.#waiting.length - 1) : 0;
    }
    const named = this.#waiting.findIndex((one) => one instanceof Turn && one.eventId === eventId);
    // A query that nobody here knows by its id has no turn.
    return named >= 0 || !isQuery ? named : this.#waiting.findIndex((one) => !(one instanceof Turn));
  }

  /**
   * The turn fails here, and what the upstream still says of it goes nowhere: the client is told, and the upstream
   * to stop, unless it has said all.
   */
  cutOff(turn: Turn, error: SightlineError, at: number, hasSaidAll = false): void {
    turn.cutOff(error, at);
    const { dialect, control } = this.#scene;
    control.send(problemMessage(dialect, turn.exchange, error, { eventId: turn.eventId }));
    if (!hasSaidAll) this.#cancel(turn);
    this.#expect();
  }

  /** One that has not begun there has no id to be stopped by; it is when it has. */
  #cancel({ id }: Turn): void {
    const { dialect, control } = this.#scene;
    if (id === undefined || !dialect) return;
    control.send(textMessage('upstream', JSON.stringify(dialect.cancel(id))));
  }

  /** The upstream says nothing more of it. */
  done(turn: Turn): void {
    const place = this.#running.indexOf(turn);
    if (place >= 0) this.#running.splice(place, 1);
    this.#expect();
  }

  turnEnded(turn: Turn): void {
    this.#open.splice(this.#open.indexOf(turn), 1);
    this.#expect();
  }

  /** The session is over. `error` where it did not end well. */
  end(error: SightlineError | undefined, at: number): void {
    this.isOver = true;
    for (const turn of [...this.#open]) turn.lost(this.#reason(turn, error), at);
    this.#silence.expect(undefined, at);
  }

  #reason(turn: Turn, error: SightlineError | undefined): SightlineError {
    const by = this.#scene.session.facts.close?.by;
    const hasUpstreamGone = error ? error.outcome === 'upstream_truncated' : by === 'upstream';
    // Of one that had not begun there is nothing to be broken off.
    if (hasUpstreamGone && turn.id === undefined) return new SightlineError('upstream_closed');
    if (error) return error;
    if (by === 'upstream') return new SightlineError('upstream_truncated');
    return new SightlineError(by === 'sightline' ? 'stopping' : 'client_aborted');
  }

  #expect(): void {
    const expected = this.#running.some(isExpected)
      ? 'part'
      : this.#waiting.some((one) => one instanceof Turn && isExpected(one) && one.doubt === undefined)
        ? 'begin'
        : undefined;
    this.#silence.expect(this.isOver ? undefined : expected, performance.now());
  }
}

function isHolding({ isCutOff, passage }: Turn): boolean {
  return isCutOff || passage?.changesChunks === true;
}

function isExpected({ isOver }: Turn): boolean {
  return !isOver;
}
