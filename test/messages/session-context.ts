import { Exchange } from '../../src/exchange/exchange.ts';
import { SessionFacts } from '../../src/exchange/session-facts.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { MessageContext } from '../../src/messages/message-type.ts';
import type { JsonObject } from '../../src/wire/json.ts';

/** The context of messages, as a session gives it, without the session. */
export class SessionContext implements MessageContext {
  readonly kind: MessageContext['kind'];
  readonly sent: JsonObject[] = [];
  readonly #end = new AbortController();
  readonly #exchange = new Exchange(
    'session-1',
    false,
    { method: 'GET', target: '/stream', path: '/stream', headers: [], httpVersion: '1.1' },
    { template: '/stream', upstream: undefined, dialect: undefined },
    defaultLimits,
    { kind: 'session', facts: new SessionFacts('stream') },
  );

  constructor(kind: MessageContext['kind'] = 'stream') {
    this.kind = kind;
  }

  get session() {
    return this.#exchange.view;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  send(message: JsonObject): void {
    this.sent.push(message);
  }

  end(): void {
    this.#end.abort();
  }
}
