import {
  type AnyValue,
  type Attributes,
  type Logger as LogEmitter,
  ROOT_CONTEXT,
  SeverityNumber,
  type Span,
  trace,
} from '@opentelemetry/api';
import type { AttemptContent, ContentJson, ContentLimits } from '../dialects/content/attempt-content.ts';
import type { Attempt } from '../exchange/attempt.ts';
import { epochMs } from '../exchange/clock.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Limits } from '../limits.ts';
import type { ContentPlaces } from './content-places.ts';
import { attemptErrorType, isClientError } from './error-type.ts';
import { attribute, logEvent } from './names.ts';
import { valueCharsMax } from './sdk/attribute-limits.ts';
import type { Environment } from './sdk/exporters.ts';
import { addressAttributes, known, queryAttributes, replyAttributes } from './spans/span-attributes.ts';

export interface ContentCaptureOptions {
  readonly places: ContentPlaces;
  readonly env: Environment;
  readonly limits: Limits;
  /** Where log records go; undefined where nobody takes them. */
  readonly emitter: LogEmitter | undefined;
}

/**
 * Tells what was asked and answered, where somebody wants that: on the span of the attempt, as JSON, which is what
 * backends read there, and as a log record of its own. Standard output never has it.
 */
export class ContentCapture {
  readonly #isOnSpans: boolean;
  readonly #emitter: LogEmitter | undefined;
  readonly #limits: ContentLimits;

  constructor({ places, env, limits, emitter }: ContentCaptureOptions) {
    this.#isOnSpans = places.isOnSpans;
    this.#emitter = places.isInEvents ? emitter : undefined;
    const charsMax = limits.contentCharsMax;
    // What the SDK cuts off would be no JSON any more.
    const onSpans = (places.isOnSpans && valueCharsMax(env, 'SPAN')) || charsMax;
    const inEvents = (places.isInEvents && valueCharsMax(env, 'LOGRECORD')) || charsMax;
    this.#limits = { charsMax, valueCharsMax: Math.min(charsMax, onSpans, inEvents) };
  }

  /** Of an attempt with this span; undefined where nobody would get it. */
  limitsOf(span: Span): ContentLimits | undefined {
    return this.#emitter || (this.#isOnSpans && span.isRecording()) ? this.#limits : undefined;
  }

  /** The attempt is over, and its span not yet. */
  tell(span: Span, exchange: Exchange, attempt: Attempt, told: AttemptContent): void {
    const content = told.json();
    if (this.#isOnSpans) span.setAttributes(toldAttributes(content, (json) => json));
    if (this.#emitter) this.#emit(this.#emitter, span, exchange, attempt, content);
  }

  /** https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-events.md */
  #emit(emitter: LogEmitter, span: Span, exchange: Exchange, attempt: Attempt, content: ContentJson): void {
    emitter.emit({
      timestamp: epochMs(exchange.clock, attempt.endedAt ?? exchange.endedAt ?? 0),
      severityNumber: SeverityNumber.DEBUG,
      severityText: 'DEBUG',
      eventName: logEvent.inferenceDetails,
      attributes: {
        ...inferenceAttributes(exchange, attempt),
        ...toldAttributes(content, (json) => JSON.parse(json) as AnyValue),
      },
      context: trace.setSpanContext(ROOT_CONTEXT, span.spanContext()),
    });
  }
}

function toldAttributes<Value>(content: ContentJson, as: (json: string) => Value) {
  const attributes: Record<string, Value | true> = {};
  const add = (key: string, json: string | undefined) => {
    if (json !== undefined) attributes[key] = as(json);
  };
  add(attribute.genAiInputMessages, content.inputMessages);
  add(attribute.genAiOutputMessages, content.outputMessages);
  add(attribute.genAiSystemInstructions, content.systemInstructions);
  add(attribute.genAiToolDefinitions, content.toolDefinitions);
  if (content.isTruncated) attributes[attribute.contentTruncated] = true;
  return attributes;
}

/** So that the record can be read without its span. */
function inferenceAttributes(exchange: Exchange, attempt: Attempt): Attributes {
  const { route, query, id } = exchange;
  const { upstream } = attempt;
  return known({
    [attribute.genAiOperationName]: route.dialect?.operation,
    [attribute.genAiProviderName]: upstream.provider,
    ...(query && queryAttributes(query)),
    ...replyAttributes(attempt),
    ...addressAttributes(upstream),
    [attribute.exchangeId]: id,
    [attribute.upstream]: upstream.name,
    [attribute.attempt]: attempt.number,
    [attribute.outcome]: attempt.outcome,
    [attribute.errorType]: isClientError(attempt) ? attemptErrorType(attempt) : undefined,
  });
}
