import type { Attributes } from '@opentelemetry/api';
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { attemptErrorType, isClientError, isServerError, serverErrorType } from '../error-type.ts';
import { attribute, tagPrefix } from '../names.ts';
import { methodOf } from '../spans/span-attributes.ts';
import { type LabelBounds, other } from './labels.ts';

const none: Attributes = Object.freeze({});

/** What metrics tell of an exchange. Every label that a client, an upstream or a plugin could invent is bounded. */
export class ExchangeLabels {
  readonly #bounds: LabelBounds;

  constructor(bounds: LabelBounds) {
    this.#bounds = bounds;
  }

  server(exchange: Exchange, tags: Attributes): Attributes {
    const { route, status, outcome = 'failed' } = exchange;
    const labels = activeLabels(exchange);
    labels[attribute.httpRoute] = route.template;
    labels[attribute.outcome] = outcome;
    if (status !== undefined) labels[attribute.httpResponseStatusCode] = this.#boundStatus(status);
    if (isServerError(exchange))
      labels[attribute.errorType] = this.#bounds.bound(attribute.errorType, serverErrorType(exchange));
    return Object.assign(labels, tags);
  }

  /**
   * Whose model was asked for which. A name that the upstream did not confirm is a client's invention, until some
   * reply bears it out.
   */
  query({ query }: Exchange, { upstream, reply }: Attempt, operation: string, tags: Attributes): Attributes {
    const label = attribute.genAiRequestModel;
    const model = query?.model;
    const labels: Attributes = { [attribute.genAiOperationName]: operation };
    if (upstream.provider !== undefined) labels[attribute.genAiProviderName] = upstream.provider;
    if (model !== undefined)
      labels[label] =
        reply.model === undefined ? this.#bounds.known(label, model) : this.#bounds.bound(label, model);
    labels[attribute.upstream] = upstream.name;
    return Object.assign(labels, tags);
  }

  /** And which one answered. */
  reply(query: Attributes, { reply }: Attempt): Attributes {
    const label = attribute.genAiResponseModel;
    return reply.model === undefined ? query : { ...query, [label]: this.#bounds.bound(label, reply.model) };
  }

  /** And where, and how it ended. */
  operation(reply: Attributes, attempt: Attempt): Attributes {
    const { upstream, outcome = 'failed' } = attempt;
    const labels: Attributes = {
      ...reply,
      [attribute.serverAddress]: upstream.address,
      [attribute.serverPort]: upstream.port,
      [attribute.outcome]: outcome,
    };
    if (isClientError(attempt))
      labels[attribute.errorType] = this.#bounds.bound(attribute.errorType, attemptErrorType(attempt));
    return labels;
  }

  tags({ labels }: Exchange): Attributes {
    if (labels.size === 0) return none;
    const tags: Attributes = {};
    // Whoever came first put theirs first; the series is the same.
    for (const [name, value] of [...labels].sort()) {
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
  const labels: Attributes = {
    [attribute.httpRequestMethod]: methodOf(request),
    [attribute.urlScheme]: 'http',
  };
  if (session) labels[attribute.networkProtocolName] = 'websocket';
  if (route.upstream !== undefined) labels[attribute.upstream] = route.upstream;
  return labels;
}
