import type { ClientMark } from '../../dialects/session-dialect.ts';
import { asSightlineError, type SightlineError } from '../../errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { Query } from '../../exchange/query.ts';
import type { Reply } from '../../exchange/reply.ts';
import type { FlowServices } from '../../flow/flow.ts';
import { tellQuery } from '../../flow/moments.ts';
import type { MessageContext } from '../../messages/message-type.ts';
import { type RawHeaders, withoutHeaders } from '../../wire/headers.ts';
import type { JsonObject } from '../../wire/json.ts';
import type { Message, Sending } from '../session-reader.ts';
import type { BetweenTurns } from './between-turns.ts';
import { type ProblemDetail, problemMessage, textMessage } from './problem-message.ts';
import type { ProxiedScene } from './proxied-scene.ts';
import { needsOf } from './stack-needs.ts';
import type { Turn } from './turn.ts';
import type { Turns } from './turns.ts';
import { refusal, type WayIn, wayIn } from './way-in.ts';

type Sendings = readonly Sending[];
const nothing: Sendings = [];
const other: ClientMark = Object.freeze({ kind: 'other', eventId: undefined });

/** A message of the client on its way: what it is by now, and the generation that it keeps. */
interface Coming {
  readonly services: FlowServices;
  readonly query: Query;
  /** What goes on, where nobody changes it from here on. */
  readonly data: Buffer;
  /** Undefined where nobody reads it here, or it is no JSON object. */
  readonly payload: JsonObject | undefined;
  readonly mark: ClientMark;
}

/** The messages of the client: message types first, then middleware, and a turn where one is asked for. */
export class ClientMessages {
  readonly #scene: ProxiedScene;
  readonly #exchange: Exchange;
  readonly #turns: Turns;
  readonly #between: BetweenTurns;
  readonly #headers: RawHeaders;
  readonly #ended = new AbortController();
  #context: MessageContext | undefined;

  constructor(scene: ProxiedScene, turns: Turns, between: BetweenTurns) {
    this.#scene = scene;
    this.#exchange = scene.session.exchange;
    this.#turns = turns;
    this.#between = between;
    // It told of a body of the upgrade; text messages have no encoding.
    this.#headers = withoutHeaders(this.#exchange.request.headers, new Set(['content-encoding']));
  }

  /** A message that has gone on already. */
  seen({ data }: Message): void {
    const { services } = this.#scene.session;
    if (!this.#scene.dialect && !services.hooks.has('query.ready')) return;
    const coming = this.#coming(services, data, true);
    if (coming.mark.kind === 'query') this.#seenAsking(coming);
    else tellQuery(coming.services, this.#exchange, coming.query);
  }

  #seenAsking(coming: Coming): void {
    const turn = this.#begin(coming);
    if (!turn) {
      this.#turns.waitUntold();
      tellQuery(coming.services, this.#exchange, coming.query);
      return;
    }
    this.#ask(turn, coming);
    try {
      turn.passage?.enterUnasked();
    } catch (thrown) {
      this.#turns.cutOff(turn, asSightlineError(thrown), performance.now());
    }
  }

  /** A held message; what goes on in its place. */
  take({ data }: Message): Sendings | Promise<Sendings> {
    const { leaving } = this.#between;
    return leaving ? leaving.then(() => this.#take(data)) : this.#take(data);
  }

  /** The session is over: handlers that still run learn of it. */
  end(): void {
    this.#ended.abort();
  }

  #take(data: Buffer): Sendings | Promise<Sendings> {
    if (this.#turns.isOver) return nothing;
    const { services } = this.#scene.session;
    const { messages, lease } = services;
    const coming = this.#coming(services, data, messages.size === 0);
    const type = coming.payload?.type;
    if (typeof type !== 'string' || !messages.has(type, 'proxied')) return this.#pass(coming);
    // What it meets after its handler is of the same generation.
    lease?.acquire();
    return this.#handle(type, coming).finally(() => lease?.release());
  }

  async #handle(type: string, coming: Coming): Promise<Sendings> {
    const { services, payload = {} } = coming;
    this.#context ??= this.#newContext();
    const result = await services.messages.handle(type, payload, this.#context);
    if (this.#turns.isOver) return nothing;
    switch (result.kind) {
      case 'passed':
        return this.#pass(coming);
      case 'changed':
        return this.#pass(this.#coming(services, Buffer.from(JSON.stringify(result.message)), false));
      case 'dropped':
        return nothing;
      case 'refused':
        return this.#refuse(this.#exchange, result.error, coming, result);
    }
  }

  #newContext(): MessageContext {
    const { control } = this.#scene;
    return {
      session: this.#exchange.view,
      kind: 'proxied',
      signal: this.#ended.signal,
      send: (message) => control.send(textMessage('client', JSON.stringify(message))),
    };
  }

  #pass(coming: Coming): Sendings | Promise<Sendings> {
    if (coming.mark.kind !== 'query') return this.#passOther(coming, false);
    const turn = this.#begin(coming);
    return turn ? this.#passAsking(turn, coming) : this.#passOther(coming, true);
  }

  /** A message that asks for a turn enters that turn's middleware. */
  #passAsking(turn: Turn, coming: Coming): Sendings | Promise<Sendings> {
    const { passage } = turn;
    if (!passage) return this.#ask(turn, coming);
    if (needsOf(coming.services.stack).queries) {
      return wayIn(passage, coming.query, turn).then((way) => this.#asked(turn, coming, way));
    }
    try {
      passage.enterUnasked();
    } catch (thrown) {
      const refused = refusal(passage, asSightlineError(thrown), turn);
      return refused.then((way) => this.#asked(turn, coming, way));
    }
    return this.#ask(turn, coming);
  }

  #asked(turn: Turn, coming: Coming, way: WayIn): Sendings {
    switch (way.kind) {
      case 'on':
        return this.#ask(turn, way.query === coming.query ? coming : this.#changed(turn, coming, way));
      case 'answered':
        turn.answered(way.reply);
        return messagesOf(way.reply);
      case 'refused':
        turn.refusedHere(way.error);
        return this.#refuse(turn.exchange, way.error, coming);
      case 'over':
        return nothing;
    }
  }

  /** The turn's message goes on. What middleware has made something else of asks for nothing any more. */
  #ask(turn: Turn, { services, query, data, mark }: Coming): Sendings {
    if (mark.kind === 'query') {
      turn.asked(query);
      this.#turns.wait(turn);
    } else {
      tellQuery(services, this.#exchange, query);
      turn.said('completed', performance.now());
    }
    return [{ to: 'upstream', data, isBinary: false }];
  }

  #passOther(coming: Coming, isUntold: boolean): Sendings | Promise<Sendings> {
    const way = this.#between.query(coming.services, coming.query, coming.data);
    if (way instanceof Promise) return way.then((later) => this.#passedOther(coming, later, isUntold));
    return this.#passedOther(coming, way, isUntold);
  }

  #passedOther(coming: Coming, way: WayIn, isUntold: boolean): Sendings {
    switch (way.kind) {
      case 'on':
        if (isUntold) this.#turns.waitUntold();
        tellQuery(coming.services, this.#exchange, way.query);
        return [{ to: 'upstream', data: way.body, isBinary: false }];
      case 'answered':
        return messagesOf(way.reply);
      case 'refused':
        return this.#refuse(this.#exchange, way.error, coming);
      case 'over':
        return nothing;
    }
  }

  /** `maySkip`: no message type can be meant, so what is opaque is not parsed. */
  #coming(services: FlowServices, data: Buffer, maySkip: boolean): Coming {
    const { dialect } = this.#scene;
    const { target } = this.#exchange.request;
    const query = new Query({ method: 'MESSAGE', target, headers: this.#headers, body: data });
    const isSkipped = maySkip && (!dialect || dialect.isOpaque(data));
    const payload = isSkipped ? undefined : query.peek();
    return { services, query, data, payload, mark: (payload && dialect?.clientMark(payload)) ?? other };
  }

  /** The same message as middleware has left it. */
  #changed(turn: Turn, { services }: Coming, { query, body }: { query: Query; body: Buffer }): Coming {
    const payload = query.peek();
    const mark = (payload && this.#scene.dialect?.clientMark(payload)) ?? other;
    turn.exchange.query = this.#turns.queryFacts(payload);
    turn.eventId = mark.eventId;
    return { services, query, data: body, payload, mark };
  }

  #begin({ services, payload, data, mark }: Coming): Turn | undefined {
    if (mark.kind !== 'query' || !payload) return undefined;
    return this.#turns.begin(services, { payload, bytes: data.length, eventId: mark.eventId });
  }

  #refuse(exchange: Exchange, error: SightlineError, { query }: Coming, detail?: ProblemDetail): Sendings {
    const { session, dialect } = this.#scene;
    session.facts.refused += 1;
    // Also of a message that was not read on its way in.
    const payload = query.peek();
    const eventId = payload && dialect?.clientMark(payload).eventId;
    return [problemMessage(dialect, exchange, error, { ...detail, eventId })];
  }
}

/** An answer in the upstream's place, as the upstream would have sent it. */
function messagesOf({ chunks, body }: Reply): Sendings {
  const texts = chunks ? chunks.map(({ data }) => data) : body ? [body.toString()] : [];
  return texts.filter((text) => text !== '').map((text) => textMessage('client', text));
}
