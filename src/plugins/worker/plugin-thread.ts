import { type EvaluatedModule, evaluate } from '../evaluate/evaluate.ts';
import type { LoadedDefinition } from '../plugin.ts';
import { PluginProblem } from '../problem.ts';
import { Registrations } from '../registrations.ts';
import { readConfig, readDefinition } from '../shape.ts';
import { argumentOf } from './call-argument.ts';
import { collectGarbage } from './collect-garbage.ts';
import { Outbox } from './outbox.ts';
import { type PlainError, plainError, plainProblem } from './plain-error.ts';
import { answerBuffers, plainAnswer } from './plain-message.ts';
import type { Call, FromThread, ThreadData, ToThread } from './protocol.ts';
import { refuseChunks, registeredIn } from './registered.ts';
import { createThreadContext } from './thread-context.ts';
import { type ThreadExchange, ThreadExchanges } from './thread-exchange.ts';
import { logOutput } from './thread-output.ts';

type Post = (message: FromThread, moved?: ArrayBuffer[]) => void;

/** The other end of `Thread`: has the plugin's code, and runs what it is told to. */
export class PluginThread {
  readonly #data: ThreadData;
  readonly #post: Post;
  readonly #outbox: Outbox;
  readonly #exchanges: ThreadExchanges;
  readonly #registrations: Registrations;
  readonly #abort = new AbortController();
  readonly #config = Promise.withResolvers<unknown>();
  #module: EvaluatedModule | undefined;
  #definition: LoadedDefinition | undefined;

  constructor(data: ThreadData, post: Post) {
    this.#data = data;
    this.#post = post;
    this.#outbox = new Outbox(post);
    logOutput(this.#outbox);
    this.#exchanges = new ThreadExchanges((seat, tags) => post({ kind: 'tags', seat, tags }));
    this.#registrations = new Registrations({
      check: refuseChunks,
      onRemoved: (hook) => post({ kind: 'unhooked', hook }),
    });
  }

  /** Tells that it is ready, or why it will never be. Never rejects. */
  async start(): Promise<void> {
    try {
      this.#post({ kind: 'step', step: 'evaluate' });
      this.#module = await evaluate(this.#data.build);
      const definition = this.#readDefinition(this.#module);
      this.#definition = definition;
      const { name, version } = definition;
      this.#post({ kind: 'evaluated', name, version });
      const config = await this.#checkConfig(definition, await this.#config.promise);
      this.#post({ kind: 'step', step: 'initialize' });
      await this.#initialize(definition, config);
      this.#outbox.flush();
      this.#post({ kind: 'ready', registered: registeredIn(this.#registrations) });
    } catch (thrown) {
      const problem = thrown instanceof PluginProblem ? thrown : this.#problem('evaluate', '', thrown);
      this.#outbox.close();
      this.#post({ kind: 'refused', problem: plainProblem(problem, this.#framesOf) });
    }
  }

  take(message: ToThread): void {
    switch (message.kind) {
      case 'call':
        void this.#call(message);
        break;
      case 'config':
        this.#config.resolve(message.config);
        break;
      case 'over':
        this.#exchanges.forget(message.seats);
        break;
      case 'taken':
        this.#outbox.taken(message.count);
        break;
      case 'collect':
        this.#post({ kind: 'collected', bytes: collectGarbage() });
        break;
      case 'stop':
        void this.#stop();
        break;
    }
  }

  /** An error for the service, in lines of the TypeScript source. */
  plain(thrown: unknown): PlainError {
    return plainError(thrown, this.#framesOf);
  }

  readonly #framesOf = (error: Error): string => this.#module?.frames(error) ?? error.stack ?? '';

  #readDefinition(module: EvaluatedModule): LoadedDefinition {
    const { file } = this.#data.build;
    const definition = readDefinition(module.exports, file);
    if (definition.isolation !== 'worker') {
      throw new PluginProblem(
        'shape',
        `Its code has the literal isolation: 'worker', so it was run in a worker, but the isolation of plugin '${definition.name}' is '${definition.isolation ?? 'none'}'. Expected that literal in definePlugin({ … }) and nowhere else.`,
        { file },
      );
    }
    for (const list of ['dependencies', 'optionalDependencies'] as const) {
      const names = Object.keys(definition[list] ?? {});
      if (names.length === 0) continue;
      throw new PluginProblem(
        'shape',
        `Plugin '${definition.name}' has ${list} (${names.join(', ')}) and isolation 'worker': what another plugin gives out cannot leave its thread. Leave out the one or the other.`,
        { file },
      );
    }
    return definition;
  }

  async #checkConfig(definition: LoadedDefinition, raw: unknown): Promise<unknown> {
    try {
      return await readConfig(definition, raw, this.#data.build.file);
    } catch (thrown) {
      if (thrown instanceof PluginProblem) throw thrown;
      throw this.#problem('config', 'Its schema failed: ', thrown);
    }
  }

  async #initialize(definition: LoadedDefinition, config: unknown): Promise<void> {
    const context = createThreadContext(
      {
        definition,
        config,
        signal: this.#abort.signal,
        outbox: this.#outbox,
        post: this.#post,
        framesOf: this.#framesOf,
      },
      this.#registrations,
    );
    let api: unknown;
    try {
      api = await definition.initialize(context);
    } catch (thrown) {
      throw this.#problem('initialize', `initialize of '${definition.name}' failed: `, thrown);
    }
    if (api === undefined) return;
    throw new PluginProblem(
      'initialize',
      `initialize of '${definition.name}' returned something for other plugins, which cannot leave its worker. Return nothing, or run without isolation.`,
      { file: this.#data.build.file },
    );
  }

  #problem(step: PluginProblem['step'], before: string, thrown: unknown): PluginProblem {
    const { message } = plainError(thrown);
    const place = this.#module?.placeOf(thrown) ?? { file: this.#data.build.file };
    return new PluginProblem(step, `${before}${message}`, place, thrown);
  }

  async #call(call: Call): Promise<void> {
    Atomics.store(this.#data.begun, 0, call.id);
    let answer: FromThread & { kind: 'answer' } = { ...nothing, id: call.id };
    try {
      const exchange = call.exchange && this.#exchanges.enter(call.exchange);
      answer = { ...answer, answer: await this.#run(call, exchange) };
    } catch (thrown) {
      answer = { ...answer, error: this.plain(thrown) };
    }
    const tags = call.exchange && this.#exchanges.leave(call.exchange.seat);
    this.#outbox.flush();
    this.#answer({ ...answer, tags });
  }

  async #run({ target, argument }: Call, exchange: ThreadExchange | undefined) {
    const given = argumentOf(argument);
    if ('hook' in target) {
      const hook = this.#registrations.hooks[target.hook];
      await hook?.callback({ ...(given as object), ...(exchange && { exchange }) } as never);
      return undefined;
    }
    const { middleware } = this.#registrations.middleware[target.middleware] ?? {};
    const callback = middleware?.[target.callback] as ((...args: unknown[]) => unknown) | undefined;
    return plainAnswer(await callback?.call(middleware, given, exchange), given);
  }

  #answer(answer: FromThread & { kind: 'answer' }): void {
    try {
      this.#post(answer, answerBuffers(answer.answer));
    } catch (thrown) {
      // Nothing but the answer can be of a kind that does not cross.
      const error = new TypeError('What it gave back cannot leave its worker.', { cause: thrown });
      this.#post({ ...nothing, id: answer.id, error: this.plain(error) });
    }
  }

  async #stop(): Promise<void> {
    let error: PlainError | undefined;
    try {
      this.#abort.abort();
      await this.#definition?.cleanup?.();
    } catch (thrown) {
      error = this.plain(thrown);
    }
    this.#outbox.close();
    this.#post({ kind: 'stopped', error });
  }
}

const nothing = { kind: 'answer', answer: undefined, error: undefined, tags: undefined } as const;
