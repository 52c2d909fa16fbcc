import type { SessionDialect } from '../../dialects/session-dialect.ts';
import { asSightlineError, describeError, type SightlineError } from '../../errors.ts';
import type { UpstreamIdentity } from '../../exchange/attempt.ts';
import type { Peer } from '../../exchange/session-facts.ts';
import type { Limits } from '../../limits.ts';
import type { Session } from '../session.ts';
import type { Message, MessagePlan, Sending, SessionControl, SessionReader } from '../session-reader.ts';
import { BetweenTurns } from './between-turns.ts';
import { ClientMessages } from './client-messages.ts';
import type { ProxiedScene } from './proxied-scene.ts';
import { actsOnQueries, needsOf } from './stack-needs.ts';
import { Turns } from './turns.ts';
import { UpstreamMessages } from './upstream-messages.ts';

export interface MessageReaderOptions {
  readonly session: Session;
  /** Undefined where nobody understands the messages: then only message types and hooks look at them. */
  readonly dialect: SessionDialect | undefined;
  readonly upstream: UpstreamIdentity;
  /** Those of the upstream. Default: those of the service. */
  readonly limits?: Limits;
  readonly control: SessionControl;
}

/** Turns, middleware, hooks and message types of a proxied session. */
export function createMessageReader(options: MessageReaderOptions): SessionReader {
  return new MessageReader({ ...options, limits: options.limits ?? options.session.services.limits });
}

class MessageReader implements SessionReader {
  readonly #scene: ProxiedScene;
  readonly #turns: Turns;
  readonly #client: ClientMessages;
  readonly #upstream: UpstreamMessages;

  constructor(scene: ProxiedScene) {
    this.#scene = scene;
    this.#turns = new Turns(scene);
    const between = new BetweenTurns(scene, this.#turns);
    this.#client = new ClientMessages(scene, this.#turns, between);
    this.#upstream = new UpstreamMessages(scene, this.#turns, between);
  }

  get openTurns(): number {
    return this.#turns.open;
  }

  plan(from: Peer, isBinary: boolean): MessagePlan {
    if (this.#turns.isOver) return 'pass';
    if (isBinary) {
      if (from === 'upstream') this.#turns.heard(performance.now());
      return 'pass';
    }
    return from === 'client' ? this.#planClient() : this.#planUpstream();
  }

  #planClient(): MessagePlan {
    const { session, dialect } = this.#scene;
    const { stack, messages, hooks } = session.services;
    if (messages.size > 0 || (dialect && actsOnQueries(needsOf(stack)))) return 'hold';
    return dialect || hooks.has('query.ready') ? 'look' : 'pass';
  }

  #planUpstream(): MessagePlan {
    const { session, dialect } = this.#scene;
    const { stack, messages, hooks } = session.services;
    if ((dialect || messages.size > 0) && needsOf(stack).chunks) return 'hold';
    if (this.#turns.holdMessages) return 'hold';
    return dialect || hooks.has('reply.chunk') ? 'look' : 'pass';
  }

  seen(from: Peer, message: Message, at: number): void {
    if (this.#turns.isOver) return;
    try {
      if (from === 'client') this.#client.seen(message);
      else this.#upstream.seen(message, at);
    } catch (thrown) {
      // It has gone on: who only looks at it harms nobody.
      const { session } = this.#scene;
      const { log } = session.services;
      log.error({ exchange: session.exchange.id, ...describeError(thrown) }, 'a message was not understood');
    }
  }

  take(from: Peer, message: Message, at: number): readonly Sending[] | Promise<readonly Sending[]> {
    if (this.#turns.isOver) return [];
    try {
      if (from === 'upstream') return this.#upstream.take(message, at);
      const sendings = this.#client.take(message);
      return sendings instanceof Promise ? sendings.catch((thrown) => this.#fail(thrown)) : sendings;
    } catch (thrown) {
      return this.#fail(thrown);
    }
  }

  end(error: SightlineError | undefined, at: number): void {
    if (this.#turns.isOver) return;
    this.#turns.end(error, at);
    this.#client.end();
  }

  /** Nobody knows what became of a message: the session cannot go on without it. */
  #fail(thrown: unknown): readonly Sending[] {
    this.#scene.control.fail(asSightlineError(thrown));
    return [];
  }
}
