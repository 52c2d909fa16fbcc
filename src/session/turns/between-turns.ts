import { asSightlineError, describeError, type SightlineError } from '../../errors.ts';
import type { Chunk } from '../../exchange/chunk.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Query } from '../../exchange/query.ts';
import { Reply } from '../../exchange/reply.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { Logger } from '../../log.ts';
import type { Passage } from '../../middleware/passage.ts';
import type { ProxiedScene } from './proxied-scene.ts';
import { actsOnQueries, needsOf } from './stack-needs.ts';
import type { Turns } from './turns.ts';
import { type Asker, refusal, type WayIn, wayIn } from './way-in.ts';

/**
 * Messages that belong to no turn. Each goes through the middleware of its moment on the session's own exchange,
 * in and at once out again; what middleware keeps under its keys is there for all of them.
 */
export class BetweenTurns implements Asker {
  readonly exchange: Exchange;
  readonly #scene: ProxiedScene;
  readonly #turns: Turns;
  #leaving: Promise<void> | undefined;

  constructor(scene: ProxiedScene, turns: Turns) {
    this.exchange = scene.session.exchange;
    this.#scene = scene;
    this.#turns = turns;
  }

  get isOver(): boolean {
    return this.#turns.isOver;
  }

  get log(): Logger {
    return this.#scene.session.services.log;
  }

  /** Whoever was entered with the newest message of the client is still told that it has gone on. */
  get leaving(): Promise<void> | undefined {
    return this.#leaving;
  }

  /** A message was refused, and the session goes on: it has not failed. */
  failed(error: SightlineError): void {
    if (error.outcome === 'failed')
      this.log.error({ exchange: this.exchange.id, ...describeError(error) }, error.message);
  }

  /** A message of the client. Never throws or rejects. */
  query(services: FlowServices, query: Query, body: Buffer): WayIn | Promise<WayIn> {
    const { stack, lease } = services;
    const needs = needsOf(stack);
    const passage = actsOnQueries(needs) ? stack.enter(this.exchange) : undefined;
    if (!passage) return { kind: 'on', query, body };
    lease?.acquire();
    const way = needs.queries ? wayIn(passage, query, this) : this.#enter(passage, query, body);
    const entered = (done: WayIn): WayIn => {
      if (done.kind === 'on' && needs.replies) this.#leaveInOrder(passage);
      this.#letGo(passage, services);
      return done;
    };
    return way instanceof Promise ? way.then(entered) : entered(way);
  }

  /** A message of the upstream. Throws a `SightlineError`. */
  chunk(services: FlowServices, chunk: Chunk): readonly Chunk[] {
    const { stack, lease } = services;
    const needs = needsOf(stack);
    const passage = needs.chunks ? stack.enter(this.exchange) : undefined;
    if (!passage) return [chunk];
    lease?.acquire();
    try {
      passage.enterUnasked();
      const chunks = passage.onChunk(chunk);
      if (needs.replies) void leave(passage);
      return chunks;
    } catch (thrown) {
      void passage.abandon(asSightlineError(thrown));
      throw thrown;
    } finally {
      // Hundreds can come in one piece, before anybody who waits gets a turn.
      this.#scene.session.middlewareRan();
      this.#letGo(passage, services);
    }
  }

  #enter(passage: Passage, query: Query, body: Buffer): WayIn | Promise<WayIn> {
    try {
      passage.enterUnasked();
      return { kind: 'on', query, body };
    } catch (thrown) {
      return refusal(passage, asSightlineError(thrown), this);
    }
  }

  /** When nobody runs any more. */
  #letGo(passage: Passage, services: FlowServices): void {
    void passage.left().then(() => {
      this.#scene.session.middlewareRan();
      services.lease?.release();
    });
  }

  /** The next message of the client waits for it. */
  #leaveInOrder(passage: Passage): void {
    this.#leaving = leave(passage).then(() => {
      this.#leaving = undefined;
    });
  }
}

/** Nothing answers a message that asks for no turn: whoever was entered is told that it has gone on. */
async function leave(passage: Passage): Promise<void> {
  await passage.afterResponse(new Reply({ status: 204, headers: [], isSent: true }));
}
