import { type HookPoint, hookPoints } from '../hooks/points.ts';
import type { MessageType } from '../messages/message-type.ts';
import { readMessageType } from '../messages/read-message-type.ts';
import type { Middleware } from '../middleware/middleware.ts';

export interface MiddlewareRegistration {
  /** Its name when it was registered: what it says later changes nothing. */
  readonly name: string;
  readonly middleware: Middleware;
  readonly priority: number | undefined;
}

export interface HookRegistration {
  readonly point: HookPoint;
  readonly callback: (payload: never) => unknown;
  readonly priority: number | undefined;
}

interface RegistrationsOptions {
  /** A hook was removed after `close`: its place stays, and calling it does nothing. */
  readonly onRemoved?: (index: number) => void;
  /** What is to be refused beyond the contract. Throws. */
  readonly check?: (middleware: Middleware) => void;
}

export const callbackNames = ['beforeQuery', 'onChunk', 'afterResponse', 'onError'] as const;

/** What a plugin registers while it initializes, checked as it comes: nothing checks the types of JavaScript. */
export class Registrations {
  readonly middleware: MiddlewareRegistration[] = [];
  readonly hooks: HookRegistration[] = [];
  readonly messageTypes: MessageType[] = [];
  readonly #options: RegistrationsOptions;
  #isOpen = true;

  constructor(options: RegistrationsOptions = {}) {
    this.#options = options;
  }

  /** Nothing more is taken: an exchange never sees half of a plugin, so nothing is added to an active one. */
  close(): void {
    this.#isOpen = false;
  }

  /** Returns the remover; calling it again does nothing. */
  registerHook(
    point: HookPoint,
    callback: HookRegistration['callback'],
    priority: number | undefined,
  ): () => void {
    this.#checkOpen('registerHook');
    if (!Object.hasOwn(hookPoints, point)) {
      throw new TypeError(
        `Unknown hook point '${point}'; expected one of ${Object.keys(hookPoints).join(', ')}.`,
      );
    }
    if (typeof callback !== 'function') throw new TypeError(`The callback at ${point} is no function.`);
    checkPriority(priority);
    let isRemoved = false;
    const watched = (payload: never) => (isRemoved ? undefined : callback(payload));
    const registration = { point, callback: watched, priority };
    this.hooks.push(registration);
    return () => {
      if (isRemoved) return;
      isRemoved = true;
      const index = this.hooks.indexOf(registration);
      // Before anybody has seen it, it can be gone altogether.
      if (this.#isOpen) this.hooks.splice(index, 1);
      else this.#options.onRemoved?.(index);
    };
  }

  registerMiddleware(middleware: Middleware, priority: number | undefined): void {
    this.#checkOpen('registerMiddleware');
    checkMiddleware(middleware);
    checkPriority(priority);
    this.#options.check?.(middleware);
    const { name } = middleware;
    if (this.middleware.some((other) => other.name === name)) {
      throw new TypeError(`Two middleware are named '${name}'; names must be unique.`);
    }
    this.middleware.push({ name, middleware, priority });
  }

  registerMessageType(given: MessageType): void {
    this.#checkOpen('registerMessageType');
    const messageType = readMessageType(given);
    const { type } = messageType;
    if (this.messageTypes.some((other) => other.type === type)) {
      throw new TypeError(`Two message types are named '${type}'; names must be unique.`);
    }
    this.messageTypes.push(messageType);
  }

  #checkOpen(what: string): void {
    if (!this.#isOpen) throw new TypeError(`${what} is possible until initialize has answered, not later.`);
  }
}

/** The one option that there is. Throws where another is given, which would be passed over in silence. */
export function priorityIn(options: { readonly priority?: number } | undefined): number | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('The options are an object: { priority: 50 }.');
  }
  const unknown = Object.keys(options).find((key) => key !== 'priority');
  if (unknown !== undefined) throw new TypeError(`The option '${unknown}' is unknown; expected priority.`);
  return options.priority;
}

function checkMiddleware(middleware: Middleware): void {
  if (typeof middleware !== 'object' || middleware === null)
    throw new TypeError('A middleware is an object with a name and callbacks.');
  if (typeof middleware.name !== 'string' || !/^[\w.-]{1,64}$/.test(middleware.name)) {
    throw new TypeError(
      'A middleware needs a name of letters, digits, hyphens, dots and underscores, 64 characters at most.',
    );
  }
  const { name, onFailure = 'fail' } = middleware;
  const wrong = callbackNames.find(
    (callback) => middleware[callback] !== undefined && typeof middleware[callback] !== 'function',
  );
  if (wrong) throw new TypeError(`${wrong} of middleware '${name}' is no function.`);
  if (!callbackNames.some((callback) => middleware[callback])) {
    throw new TypeError(`Middleware '${name}' has none of ${callbackNames.join(', ')}.`);
  }
  if (onFailure !== 'fail' && onFailure !== 'continue') {
    throw new TypeError(`onFailure of middleware '${name}' must be 'fail' or 'continue'.`);
  }
}

function checkPriority(priority: number | undefined): void {
  if (priority !== undefined && !Number.isFinite(priority)) {
    throw new TypeError(`A priority must be a finite number, not ${priority}.`);
  }
}
