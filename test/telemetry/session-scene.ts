import { openaiChat } from '../../src/dialects/openai-chat.ts';
import type { SightlineError } from '../../src/errors.ts';
import type { Attempt } from '../../src/exchange/attempt.ts';
import { Exchange, type ExchangePlace } from '../../src/exchange/exchange.ts';
import type { Usage } from '../../src/exchange/facts.ts';
import type { Outcome } from '../../src/exchange/outcome.ts';
import { type SessionClose, SessionFacts } from '../../src/exchange/session-facts.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { Service } from '../../src/service.ts';

const identity = { name: 'realtime', provider: 'openai', address: 'api.example', port: 443 };

interface SessionOptions {
  readonly id?: string;
  readonly protocol?: string;
  readonly headers?: readonly string[];
  readonly upstream?: string | undefined;
}

interface TurnOptions {
  readonly headers?: readonly string[];
  readonly model?: string;
}

interface TurnEnd {
  readonly outcome?: Outcome;
  readonly error?: SightlineError;
  readonly usage?: Usage;
  /** Ms after the turn's beginning. */
  readonly afterMs?: number;
}

/** A session and its turns, begun and ended as those who run them do, without a connection. */
export class SessionScene {
  readonly session: Exchange;
  readonly facts: SessionFacts;
  readonly #service: Service;

  constructor(service: Service, options: SessionOptions = {}) {
    const { id = 'session-1', protocol = 'openai.realtime', headers = [] } = options;
    const upstream = 'upstream' in options ? options.upstream : 'realtime';
    this.#service = service;
    this.facts = new SessionFacts(protocol);
    const place: ExchangePlace = { kind: 'session', facts: this.facts };
    const template = protocol === 'stream' ? '/stream' : '/realtime/v1/realtime';
    const target = `${template}?key=SECRET-key`;
    this.session = new Exchange(
      id,
      false,
      { method: 'GET', target, path: template, headers, httpVersion: '1.1' },
      { template, upstream, dialect: protocol === 'openai.realtime' ? openaiChat : undefined },
      defaultLimits,
      place,
    );
    this.#recorder.begin(this.session);
  }

  /** The upgrade goes to the upstream, which answers. Returns what telemetry tells the upstream. */
  connect({ status }: { status?: number | undefined } = { status: 101 }) {
    const attempt = this.session.beginAttempt(identity);
    const headers = this.#recorder.beginAttempt(this.session, attempt);
    attempt.status = status;
    this.session.status = status;
    return headers;
  }

  /** A turn that has been asked for; its attempt has begun, unless a middleware refuses it. */
  turn({ headers = [], model = 'gpt-realtime' }: TurnOptions = {}): Exchange {
    const { session, facts } = this;
    facts.turns += 1;
    const turn = new Exchange(
      `${session.id}.${facts.turns}`,
      false,
      { ...session.request, headers },
      session.route,
      defaultLimits,
      { kind: 'turn', session, number: facts.turns },
    );
    turn.query = { model, stream: true };
    this.#recorder.begin(turn);
    return turn;
  }

  attempt(turn: Exchange): Attempt {
    const attempt = turn.beginAttempt(identity);
    attempt.streamed = true;
    attempt.status = 200;
    turn.status = 200;
    this.headers = this.#recorder.beginAttempt(turn, attempt);
    return attempt;
  }

  /** What the last attempt of a turn was given for the upstream. */
  headers: readonly string[] = [];

  endTurn(turn: Exchange, end: TurnEnd = {}): void {
    const { outcome = 'completed', error, usage = {}, afterMs = 100 } = end;
    if (turn.attempt) Object.assign(turn.attempt.reply.usage, usage);
    this.facts.noteTurn(outcome, turn.attempt?.reply.usage);
    turn.end(outcome, error, turn.clock.startedAt + afterMs);
    this.#recorder.end(turn);
  }

  /** A query of the stream protocol. */
  query(headers: readonly string[] = []): Exchange {
    const { session } = this;
    this.facts.turns += 1;
    const { path } = openaiChat;
    const query = new Exchange(
      `${session.id}.${this.facts.turns}`,
      false,
      { method: 'POST', target: path, path, headers, httpVersion: '1.1' },
      { template: path, upstream: 'realtime', dialect: openaiChat },
      defaultLimits,
      { kind: 'request', session },
    );
    this.#recorder.begin(query);
    return query;
  }

  attemptQuery(query: Exchange): Attempt {
    const attempt = query.beginAttempt(identity);
    this.headers = this.#recorder.beginAttempt(query, attempt);
    attempt.status = 200;
    return attempt;
  }

  endQuery(query: Exchange, outcome: Outcome = 'completed', error?: SightlineError): void {
    query.status ??= 200;
    query.end(outcome, error);
    this.#recorder.end(query);
  }

  /** So many messages, frames and bytes have come. */
  receive(from: 'client' | 'upstream', messages: number, frames: number, bytes: number): void {
    const received = this.facts.received[from];
    received.messages += messages;
    received.frames += frames;
    received.bytes += bytes;
  }

  end(outcome: Outcome, close?: SessionClose, error?: SightlineError, afterMs = 3_000): void {
    this.facts.close = close;
    this.session.end(outcome, error, this.session.clock.startedAt + afterMs);
    this.#recorder.end(this.session);
  }

  get #recorder() {
    return this.#service.telemetry.recorder;
  }
}

export const closedBy = (by: SessionClose['by'], code = 1000, reason = ''): SessionClose => ({
  by,
  code,
  reason,
});
