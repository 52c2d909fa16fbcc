import type { ExchangeView } from '../../src/exchange/view.ts';
import type { Service } from '../../src/service.ts';

/** Watches how exchanges end, and how often. */
export class Endings {
  readonly #ended: ExchangeView[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(service: Service) {
    service.hooks.registerHook('exchange.ended', ({ exchange }) => {
      this.#ended.push(exchange);
      for (const look of this.#waiting) look();
    });
  }

  get all(): readonly ExchangeView[] {
    return this.#ended;
  }

  /** The ending of one exchange, within half a minute of the question. */
  async of(id: string): Promise<ExchangeView> {
    const { promise, resolve, reject } = Promise.withResolvers<ExchangeView>();
    const look = () => {
      const found = this.#ended.find((exchange) => exchange.id === id);
      if (found) resolve(found);
    };
    const timer = setTimeout(
      () => reject(new Error(`the exchange '${id}' did not end within half a minute`)),
      30_000,
    );
    this.#waiting.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }
}
