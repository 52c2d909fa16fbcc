import type { SightlineError } from '../errors.ts';
import type { Breaker } from '../exchange/breaker.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Owner } from '../exchange/owner.ts';
import type { Middleware } from './middleware.ts';
import { Passage } from './passage.ts';

/** A middleware in its place. */
export interface StackEntry {
  /** Its name when it was put there: what the middleware says later changes nothing. */
  readonly name: string;
  readonly middleware: Middleware;
  /** The plugin that brought it; none where the configuration or the embedding program did. */
  readonly owner?: Owner | undefined;
  /** Keeps exchanges away from it while it fails again and again. */
  readonly breaker?: Breaker | undefined;
}

/** A middleware of the configuration or of the embedding program. */
export function stackEntry(middleware: Middleware): StackEntry {
  return { name: middleware.name, middleware };
}

export interface StackOptions {
  /** Deadline of one asynchronous callback, ms. */
  readonly timeoutMs: number;
  /** Told of a failure that the exchange survives (`onFailure: 'continue'`, or nobody left to tell). */
  readonly onFailure: (middleware: string, error: SightlineError) => void;
}

/** The middleware of the service, in order. It never changes: another order is another stack. */
export class MiddlewareStack {
  readonly list: readonly StackEntry[];
  readonly timeoutMs: number;
  readonly #onFailure: StackOptions['onFailure'];

  constructor(list: readonly StackEntry[], options: StackOptions) {
    const twice = list.find((one, i) => list.findIndex((other) => other.name === one.name) !== i);
    if (twice) throw new TypeError(`Two middleware are named '${twice.name}'; names must be unique.`);
    this.list = Object.freeze([...list]);
    this.timeoutMs = options.timeoutMs;
    this.#onFailure = options.onFailure;
  }

  /** One exchange's way through the stack; undefined where there is nothing to run. */
  enter(exchange: Exchange): Passage | undefined {
    return this.list.length === 0 ? undefined : new Passage(this, exchange);
  }

  /** Tells of a failure that the exchange survives. Never throws: the telling must not fail it either. */
  report(middleware: string, error: SightlineError): void {
    try {
      this.#onFailure(middleware, error);
    } catch {
      // Nobody is left to tell.
    }
  }
}
