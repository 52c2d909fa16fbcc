import type { Attributes } from '@opentelemetry/api';
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { isServerError, serverErrorType } from './error-type.ts';
import { type LabelBounds, other } from './labels.ts';
import { attribute, tagPrefix } from './names.ts';
import { methodOf } from './span-attributes.ts';

/** What metrics tell of an exchange. Every label that a client, an upstream or a plugin could invent is bounded. */
export class ExchangeLabels {
  readonly #bounds: LabelBounds;

  constructor(bounds: LabelBounds) {
    this.#bounds = bounds;
  }

  server(exchange: Exchange): Attributes {
    const { route, status, outcome = 'failed' } = exchange;
    return {
      ...activeLabels(exchange),
      [attribute.httpRoute]: route.template,
      [attribute.outcome]: outcome,
      ...(status !== undefined && { [attribute.httpResponseStatusCode]: this.#boundStatus(status) }),
      ...(isServerError(exchange) && {
        [attribute.errorType]: this.#bounds.bound(attribute.errorType, serverErrorType(exchange)),
      }),
    };
  }

  /** A name that the upstream did not confirm is a client's invention, until some reply bears it out. */
  attempt({ query }: Exchange, attempt: Attempt, operation: string): Attributes {
    const { upstream, reply } = attempt;
    const asked = query?.model;
    const isConfirmed = reply.model !== undefined;
    const bound = (label: string, value: string) =>
      isConfirmed ? this.#bounds.bound(label, value) : this.#bounds.known(label, value);
    return {
      [attribute.genAiOperationName]: operation,
      ...(upstream.provider !== undefined && { [attribute.genAiProviderName]: upstream.provider }),
      ...(asked !== undefined && {
        [attribute.genAiRequestModel]: bound(attribute.genAiRequestModel, asked),
      }),
      ...(reply.model !== undefined && {
        [attribute.genAiResponseModel]: this.#bounds.bound(attribute.genAiResponseModel, reply.model),
      }),
      [attribute.serverAddress]: upstream.address,
      [attribute.serverPort]: upstream.port,
      [attribute.upstream]: upstream.name,
    };
  }

  tags(exchange: Exchange): Attributes {
    const tags: Attributes = {};
    for (const [name, value] of exchange.labels) {
      // Plugins may make them of anything.
      const label = tagPrefix + this.#bounds.bound(tagPrefix, name);
      tags[label] = this.#bounds.bound(label, value);
    }
    return tags;
  }

  /** An upstream that a client has a say in can answer with any of nine hundred. */
  #boundStatus(status: number): number | string {
    const bound = this.#bounds.bound(attribute.httpResponseStatusCode, String(status));
    return bound === other ? other : status;
  }
}

/** Those that are known at the beginning and do not change: what is added must be taken away again. */
export function activeLabels({ request, route, session }: Exchange): Attributes {
  return {
    [attribute.httpRequestMethod]: methodOf(request),
    [attribute.urlScheme]: 'http',
    ...(session && { [attribute.networkProtocolName]: 'websocket' }),
    ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
  };
}
