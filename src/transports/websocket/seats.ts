import type { MessageId } from '../../stream/protocol.ts';
import type { Call } from './call.ts';

/**
 * The queries under way on a connection, by their ids. A seat is taken again and again, each time under another
 * id, so that a late message for an earlier query is told from one for the query that has its seat now. (A `Map`
 * that changes all the time leaves old tables behind, see `InFlight`.)
 */
export class Seats {
  readonly #seats: (Call | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #max: number;
  #turns = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get taken(): number {
    return this.#seats.length - this.#free.length;
  }

  get hasRoom(): boolean {
    return this.taken < this.#max;
  }

  /** Returns the id. */
  take(call: Call): number {
    const seat = this.#free.pop() ?? this.#seats.length;
    this.#seats[seat] = call;
    this.#turns += 1;
    return this.#turns * this.#max + seat;
  }

  /** Undefined where that query is over, or there never was one. */
  find(id: MessageId | undefined): Call | undefined {
    if (typeof id !== 'number') return undefined;
    const call = this.#seats[id % this.#max];
    return call?.id === id ? call : undefined;
  }

  /** It is the id of a query, of now or of before. */
  hasGiven(id: MessageId): boolean {
    return typeof id === 'number' && id >= this.#max && Math.floor(id / this.#max) <= this.#turns;
  }

  leave(id: number): void {
    const seat = id % this.#max;
    this.#seats[seat] = undefined;
    this.#free.push(seat);
  }

  /** Those of now, in a list of its own. */
  calls(): Call[] {
    return this.#seats.filter((call) => call !== undefined);
  }
}
