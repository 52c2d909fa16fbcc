import type { MessageId } from './protocol.ts';

/**
 * The queries of one connection. Each has a seat, and its id leads to the number of that: tables that change all
 * the time leave old ones behind, and what V8 keeps with those is numbers, not exchanges.
 */
export class RunningQueries<Query> {
  readonly #seats: (Query | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #seatOf = new Map<MessageId, number>();

  /** Those whose end the client has not been told. */
  get unanswered(): number {
    return this.#seatOf.size;
  }

  /** Nobody sits here: every exchange has ended, and its client has heard so. */
  get isEmpty(): boolean {
    return this.#free.length === this.#seats.length;
  }

  /** Returns the seat, for `leave`. */
  add(id: MessageId, query: Query): number {
    const seat = this.#free.pop() ?? this.#seats.length;
    this.#seats[seat] = query;
    this.#seatOf.set(id, seat);
    return seat;
  }

  find(id: MessageId): Query | undefined {
    const seat = this.#seatOf.get(id);
    return seat === undefined ? undefined : this.#seats[seat];
  }

  /** The client is told of its end, and may use the id again. */
  answered(id: MessageId): void {
    this.#seatOf.delete(id);
  }

  leave(seat: number): void {
    this.#seats[seat] = undefined;
    this.#free.push(seat);
  }

  list(): Query[] {
    return this.#seats.filter((query) => query !== undefined);
  }
}
