import { asSightlineError, describeError, SightlineError } from '../../errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { Query } from '../../exchange/query.ts';
import type { Reply } from '../../exchange/reply.ts';
import type { Logger } from '../../log.ts';
import type { Passage } from '../../middleware/passage.ts';

/** What middleware made of a message of the client. */
export type WayIn =
  /** It goes on, as these bytes. */
  | { readonly kind: 'on'; readonly query: Query; readonly body: Buffer }
  /** It goes nowhere: this is the answer, and everybody was left. */
  | { readonly kind: 'answered'; readonly reply: Reply }
  | { readonly kind: 'refused'; readonly error: SightlineError }
  /** Whoever asked has gone meanwhile. */
  | { readonly kind: 'over' };

/** Whose message it is: a turn, or the session. */
export interface Asker {
  readonly exchange: Exchange;
  readonly log: Logger;
  readonly isOver: boolean;
  /** Middleware has refused the message, or failed; `onError` may answer yet. */
  failed(error: SightlineError): void;
}

/** A message of the client through `beforeQuery`, and out again where it does not go on. Never rejects. */
export async function wayIn(passage: Passage, query: Query, asker: Asker): Promise<WayIn> {
  try {
    const given = await passage.beforeQuery(query);
    if (asker.isOver) return over(passage, asker);
    if (given instanceof Query) return { kind: 'on', query: given, body: bodyOf(given) };
    return await answer(passage, given, asker);
  } catch (thrown) {
    return refusal(passage, asSightlineError(thrown), asker);
  }
}

/** The message was refused: `onError`, whose reply answers it. Never rejects. */
export async function refusal(passage: Passage, error: SightlineError, asker: Asker): Promise<WayIn> {
  if (asker.isOver) return over(passage, asker);
  asker.failed(error);
  try {
    const repair = await passage.onError(error);
    if (asker.isOver) return over(passage, asker);
    return repair ? await answer(passage, repair, asker) : { kind: 'refused', error };
  } catch (thrown) {
    const second = asSightlineError(thrown);
    asker.log.error({ exchange: asker.exchange.id, ...describeError(second) }, second.message);
    void passage.abandon(second);
    return { kind: 'refused', error: second };
  }
}

async function answer(passage: Passage, reply: Reply, asker: Asker): Promise<WayIn> {
  const last = await passage.afterResponse(reply);
  return asker.isOver ? over(passage, asker) : { kind: 'answered', reply: last };
}

/** Whoever is still entered is left, and nobody waits for that. */
function over(passage: Passage, asker: Asker): WayIn {
  void passage.abandon(asker.exchange.error ?? new SightlineError('client_aborted'));
  return { kind: 'over' };
}

function bodyOf({ body }: Query): Buffer {
  if (Buffer.isBuffer(body)) return body;
  throw new SightlineError('middleware_failed', {
    message: 'A middleware gave back a query whose body is not in memory; a message must be.',
  });
}
