import {
  type AnyValue,
  type Logger as LogEmitter,
  ROOT_CONTEXT,
  SeverityNumber,
  trace,
} from '@opentelemetry/api';
import { lineKey } from '../names.ts';

const severityNumbers: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/** What a line of the log says, as a record of OpenTelemetry: what has no place of its own there is an attribute. */
export function emitRecord(emitter: LogEmitter, record: Readonly<Record<string, AnyValue>>): void {
  const {
    [lineKey.level]: level,
    [lineKey.time]: time,
    [lineKey.message]: body,
    [lineKey.event]: event,
    [lineKey.traceId]: traceId,
    [lineKey.spanId]: spanId,
    [lineKey.traceFlags]: flags,
    ...attributes
  } = record;
  const name = String(level);
  emitter.emit({
    timestamp: typeof time === 'number' ? time : new Date(String(time)),
    severityNumber: severityNumbers[name] ?? SeverityNumber.UNSPECIFIED,
    severityText: name.toUpperCase(),
    ...(event !== undefined && { eventName: String(event) }),
    body,
    attributes,
    context: contextOf(traceId, spanId, flags),
  });
}

/** So that the record is found from its span, and the span from the record. */
function contextOf(traceId: AnyValue, spanId: AnyValue, flags: AnyValue) {
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const place = { traceId: String(traceId), spanId: String(spanId), traceFlags: flags === '01' ? 1 : 0 };
  return trace.setSpanContext(ROOT_CONTEXT, place);
}
