import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { Attempt, UpstreamIdentity } from '../../exchange/attempt.ts';
import type { Exchange, RequestHead } from '../../exchange/exchange.ts';
import type { QueryFacts } from '../../exchange/facts.ts';
import type { Owner } from '../../exchange/owner.ts';
import { attemptErrorType, isClientError, isServerError, serverErrorType } from '../error-type.ts';
import { attribute } from '../names.ts';

/** Attributes, also those whose value is unknown: spans leave them out. */
export type Sparse = { [key: string]: AttributeValue | undefined };

/** RFC 9110 and PATCH. https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/ */
const knownMethods = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

/** `http.request.method`: Node takes some thirty methods, and each would multiply the series. */
export function methodOf(request: RequestHead): string {
  return knownMethods.has(request.method) ? request.method : '_OTHER';
}

/** The method as it stands in a span's name. */
export function methodName(request: RequestHead): string {
  return knownMethods.has(request.method) ? request.method : 'HTTP';
}

/** Longer ones are no addresses that anybody types. */
const usualTargetCharsMax = 1_024;

/**
 * V8 keeps a whole request target alive as long as somebody holds its path, and a trace is held for long: of a long
 * target, with all of its query, it gets a copy of the path.
 */
function pathOf({ target, path }: RequestHead): string {
  return target.length > usualTargetCharsMax ? Buffer.from(path).toString() : path;
}

/** Of the SERVER span, as far as they are known at its start, for samplers. */
export function serverStart({ request, route, id, session }: Exchange): Attributes {
  return known({
    [attribute.httpRequestMethod]: methodOf(request),
    [attribute.httpRequestMethodOriginal]: knownMethods.has(request.method) ? undefined : request.method,
    [attribute.urlPath]: pathOf(request),
    [attribute.urlScheme]: 'http',
    [attribute.httpRoute]: route.template,
    // HTTP's version says nothing of WebSocket's.
    ...(session ? inSession(session) : { [attribute.networkProtocolVersion]: request.httpVersion }),
    [attribute.exchangeId]: id,
    [attribute.upstream]: route.upstream,
    [attribute.dialect]: route.dialect?.name,
  });
}

export function serverEnd(exchange: Exchange): Sparse {
  const { attempt, query } = exchange;
  return {
    [attribute.httpResponseStatusCode]: exchange.status,
    [attribute.httpRequestBodySize]: exchange.requestBytes,
    [attribute.outcome]: exchange.outcome,
    [attribute.overhead]: exchange.overheadMs / 1000,
    [attribute.errorType]: isServerError(exchange) ? serverErrorType(exchange) : undefined,
    [attribute.genAiRequestModel]: attempt && query?.model,
  };
}

/** Of the CLIENT span of an attempt, as far as they are known at its start. */
export function clientStart(exchange: Exchange, { upstream, number }: Attempt): Attributes {
  const { query, route, request } = exchange;
  return known({
    [attribute.genAiOperationName]: route.dialect?.operation,
    [attribute.genAiProviderName]: upstream.provider,
    ...(query && queryAttributes(query)),
    ...addressAttributes(upstream),
    [attribute.httpRequestMethod]: methodOf(request),
    [attribute.upstream]: upstream.name,
    [attribute.dialect]: route.dialect?.name,
    [attribute.attempt]: number,
    [attribute.httpRequestResendCount]: number > 1 ? number - 1 : undefined,
  });
}

export function clientEnd(attempt: Attempt): Sparse {
  return {
    [attribute.httpResponseStatusCode]: attempt.status,
    [attribute.httpResponseBodySize]: attempt.status === undefined ? undefined : attempt.bytes,
    ...replyAttributes(attempt),
    [attribute.outcome]: attempt.outcome,
    [attribute.errorType]: isClientError(attempt) ? attemptErrorType(attempt) : undefined,
  };
}

/** What an upstream's reply turned out to be. */
export function replyAttributes(attempt: Attempt): Sparse {
  const { reply } = attempt;
  const { usage } = reply;
  return {
    [attribute.upstreamRequestId]: attempt.upstreamRequestId,
    [attribute.genAiResponseId]: reply.id,
    [attribute.genAiResponseModel]: reply.model,
    [attribute.genAiResponseFinishReasons]:
      reply.finishReasons.length > 0 ? [...reply.finishReasons] : undefined,
    [attribute.genAiResponseTimeToFirstChunk]: firstChunkSeconds(attempt),
    [attribute.genAiUsageInputTokens]: usage.input,
    [attribute.genAiUsageOutputTokens]: usage.output,
    [attribute.genAiUsageCacheReadInputTokens]: usage.cacheRead,
    [attribute.genAiUsageCacheCreationInputTokens]: usage.cacheCreation,
    [attribute.genAiUsageReasoningOutputTokens]: usage.reasoning,
    [attribute.outputChunks]: attempt.streamed ? attempt.outputChunks : undefined,
    [attribute.unobserved]: attempt.unobserved,
  };
}

export function pluginAttributes({ name, version }: Owner): Attributes {
  return { [attribute.plugin]: name, [attribute.pluginVersion]: version };
}

/** Seconds from the attempt to its first stream event with output; undefined where none came. */
export function firstChunkSeconds(attempt: Attempt): number | undefined {
  return attempt.firstOutputAt === undefined ? undefined : (attempt.firstOutputAt - attempt.startedAt) / 1000;
}

export function inSession(session: Exchange): Sparse {
  return { [attribute.networkProtocolName]: 'websocket', [attribute.sessionId]: session.id };
}

export function addressAttributes({ address, port }: UpstreamIdentity): Sparse {
  return { [attribute.serverAddress]: address, [attribute.serverPort]: port };
}

export function queryAttributes(query: QueryFacts): Sparse {
  return {
    [attribute.genAiRequestModel]: query.model,
    [attribute.genAiRequestStream]: query.stream || undefined,
    [attribute.genAiRequestMaxTokens]: query.maxTokens,
    [attribute.genAiRequestTemperature]: query.temperature,
    [attribute.genAiRequestTopP]: query.topP,
    [attribute.genAiRequestTopK]: query.topK,
    [attribute.genAiRequestFrequencyPenalty]: query.frequencyPenalty,
    [attribute.genAiRequestPresencePenalty]: query.presencePenalty,
    [attribute.genAiRequestStopSequences]: query.stopSequences,
    [attribute.genAiRequestSeed]: query.seed,
    [attribute.genAiRequestChoiceCount]: query.choiceCount,
  };
}

/** Without those whose value is unknown: at its start, a span looks at each twice. */
export function known(sparse: Sparse): Attributes {
  const attributes: Attributes = {};
  for (const key in sparse) {
    const value = sparse[key];
    if (value !== undefined) attributes[key] = value;
  }
  return attributes;
}
