import { DeadlineError, isThenable, withDeadline } from '../exchange/deadline.ts';
import { asJsonObject, deepFreeze, isJsonObject, type JsonObject } from '../wire/json.ts';
import { invalidMessage, messageError, typeOutOfOrder, type Wrong, wrongIn } from './message-error.ts';
import type { MessageContext } from './message-type.ts';
import type { MessageEntry, MessageResult } from './protocol-extension.ts';

type Checked = { readonly value: unknown } | { readonly wrong: readonly Wrong[] };

/** One message on its way through schema, validators and handler of its type, within one deadline. */
export class HandlerRun {
  readonly #entry: MessageEntry;
  readonly #session: MessageContext;
  readonly #timeoutMs: number;
  readonly #begun = performance.now();
  readonly #late = new AbortController();

  /** `session` is the context as its session gives it, which knows of no deadline. */
  constructor(entry: MessageEntry, session: MessageContext, timeoutMs: number) {
    this.#entry = entry;
    this.#session = session;
    this.#timeoutMs = timeoutMs;
  }

  get durationMs(): number {
    return performance.now() - this.#begun;
  }

  /** Never rejects. */
  async take(message: JsonObject): Promise<MessageResult> {
    const { messageType, breaker } = this.#entry;
    if (breaker && !breaker.allows()) return { kind: 'refused', error: typeOutOfOrder(this.#entry) };
    let step: 'check' | 'handle' = 'check';
    try {
      const context = this.#context();
      const checked = await this.#check(message, context);
      if ('wrong' in checked) {
        breaker?.succeeded(step);
        return invalidMessage(messageType.type, checked.wrong);
      }
      step = 'handle';
      const answer = await this.#inTime(messageType.handle(checked.value, context));
      const result = resultOf(answer);
      breaker?.succeeded('check');
      breaker?.succeeded('handle');
      return result;
    } catch (thrown) {
      const error = messageError(this.#entry, thrown, this.#timeoutMs);
      // Another outcome is what it says of the message: so it works.
      if (error.outcome === 'failed') breaker?.failed(step, thrown);
      else breaker?.succeeded(step);
      return { kind: 'refused', error };
    }
  }

  async #check(message: JsonObject, context: MessageContext): Promise<Checked> {
    const { schema, validators = [] } = this.#entry.messageType;
    try {
      // Where it is passed on, others read it after its type.
      deepFreeze(message);
    } catch (thrown) {
      if (thrown instanceof RangeError) return { wrong: [{ field: undefined, reason: thrown.message }] };
      throw thrown;
    }
    const result = await this.#inTime(schema['~standard'].validate(message));
    if (result.issues) return { wrong: result.issues.map(wrongIn) };
    const { value } = result;
    for (const validator of validators) {
      const problem: unknown = await this.#inTime(validator(value, context));
      if (problem !== undefined && problem !== null) return { wrong: [asWrong(problem)] };
    }
    return { value };
  }

  #context(): MessageContext {
    const { session, kind } = this.#session;
    let signal: AbortSignal | undefined;
    // Joined when it is asked for: most handlers never wait.
    const join = () => AbortSignal.any([this.#session.signal, this.#late.signal]);
    return {
      session,
      kind,
      get signal() {
        signal ??= join();
        return signal;
      },
      send: (message) => this.#send(message),
    };
  }

  #send(message: JsonObject): void {
    if (!isJsonObject(message)) throw new TypeError('send takes a JSON object');
    if (!this.#late.signal.aborted) this.#session.send(message);
  }

  /** What is there already is not waited for. */
  #inTime<T>(given: T | PromiseLike<T>): T | Promise<T> {
    return isThenable(given) ? this.#waitFor(given as PromiseLike<T>) : given;
  }

  async #waitFor<T>(running: PromiseLike<T>): Promise<T> {
    try {
      return await withDeadline(running, Math.max(0, this.#timeoutMs - this.durationMs));
    } catch (thrown) {
      if (thrown instanceof DeadlineError) this.#late.abort(thrown);
      throw thrown;
    }
  }
}

function resultOf(answer: unknown): MessageResult {
  if (answer === undefined) return { kind: 'passed' };
  if (answer === null) return { kind: 'dropped' };
  // As the wire has it, so that what its handler does to it later changes nothing.
  const message = isJsonObject(answer) ? asJsonObject(JSON.parse(JSON.stringify(answer))) : undefined;
  if (typeof message?.type === 'string') return { kind: 'changed', message };
  throw new TypeError('handle must return an object with a type, null or nothing');
}

function asWrong(problem: unknown): Wrong {
  const { field, reason } = asJsonObject(problem) ?? {};
  if (typeof field === 'string' && typeof reason === 'string') return { field, reason };
  throw new TypeError('A validator must return { field, reason } or nothing');
}
