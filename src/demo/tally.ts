import { type Ending, endings, type Result } from './visit.ts';

/** What clients have seen so far. */
export class Tally {
  readonly #counts = new Map<Ending, number>();
  #total = 0;
  #inputTokens = 0;
  #outputTokens = 0;

  add({ ending, input = 0, output = 0 }: Result): void {
    this.#total += 1;
    this.#inputTokens += input;
    this.#outputTokens += output;
    this.#counts.set(ending, this.count(ending) + 1);
  }

  /** Queries and turns that have ended. */
  get total(): number {
    return this.#total;
  }

  get inputTokens(): number {
    return this.#inputTokens;
  }

  get outputTokens(): number {
    return this.#outputTokens;
  }

  count(ending: Ending): number {
    return this.#counts.get(ending) ?? 0;
  }

  /** `120 completed, 4 hung up, 2 refused`; what never happened is left out. */
  describeEndings(): string {
    const happened = endings.filter((ending) => this.count(ending) > 0);
    if (happened.length === 0) return 'nothing has ended yet';
    return happened
      .map((ending) => `${number(this.count(ending))} ${ending.replaceAll('_', ' ')}`)
      .join(', ');
  }

  describeTokens(): string {
    return `tokens ${number(this.#inputTokens)} in, ${number(this.#outputTokens)} out`;
  }
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
