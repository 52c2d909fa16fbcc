import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { z } from 'zod';

/*
 * Decodes OTLP with the official messages (`opentelemetry-proto/`) and not with the exporter's own code, so
 * that an error in the exporter shows. JSON and protobuf come out the same.
 */

export type Signal = 'traces' | 'metrics' | 'logs';

export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | AttributeValue[]
  | { [key: string]: AttributeValue };
export type Attributes = Record<string, AttributeValue>;

/** Where something comes from. */
interface Origin {
  resource: Attributes;
  /** The name of the instrumentation scope. */
  scope: string;
}

export interface ReceivedSpan extends Origin, z.output<typeof spanSchema> {}
export interface ReceivedMetric extends Origin, z.output<typeof metricSchema> {}
export interface ReceivedLog extends Origin, z.output<typeof logSchema> {}

export interface Received {
  spans: ReceivedSpan[];
  metrics: ReceivedMetric[];
  logs: ReceivedLog[];
}

/** Throws where the body is not what its path and content type say. */
export function decodeOtlp(signal: Signal, contentType: string, body: Buffer): Received {
  const message = contentType.startsWith('application/json')
    ? JSON.parse(body.toString())
    : fromProtobuf(signal, body);
  const received: Received = { spans: [], metrics: [], logs: [] };
  if (signal === 'traces') received.spans = traces.parse(message);
  if (signal === 'metrics') received.metrics = metrics.parse(message);
  if (signal === 'logs') received.logs = logs.parse(message);
  return received;
}

const messages = {
  traces: ['trace/v1/trace_service.proto', 'trace.v1.ExportTraceServiceRequest'],
  metrics: ['metrics/v1/metrics_service.proto', 'metrics.v1.ExportMetricsServiceRequest'],
  logs: ['logs/v1/logs_service.proto', 'logs.v1.ExportLogsServiceRequest'],
} as const;

const folder = fileURLToPath(new URL('opentelemetry-proto/', import.meta.url));
const types = new protobuf.Root();
types.resolvePath = (_origin, target) => `${folder}${target}`;
types.loadSync(Object.values(messages).map(([file]) => `opentelemetry/proto/collector/${file}`));
// Came with version 1.5 of the protocol, after the messages in that folder.
types.lookupType('opentelemetry.proto.logs.v1.LogRecord').add(new protobuf.Field('eventName', 12, 'string'));

function fromProtobuf(signal: Signal, body: Buffer): unknown {
  const type = types.lookupType(`opentelemetry.proto.collector.${messages[signal][1]}`);
  return type.toObject(type.decode(body), { longs: String });
}

/** int64: a number in the JSON exporter's body, text in canonical JSON and here after protobuf. */
const int64 = z.union([z.number(), z.string()]).transform(Number);

/** Nanoseconds as milliseconds with a fraction, without losing digits on the way. */
const time = z.union([z.number(), z.string()]).transform((value) => {
  const nanoseconds = BigInt(value);
  return Number(nanoseconds / 1_000_000n) + Number(nanoseconds % 1_000_000n) / 1e6;
});

/** Ids are hex in JSON (an exception of OTLP's own), bytes in protobuf. */
function id(bytes: number) {
  return z
    .union([z.string(), z.instanceof(Uint8Array).transform((value) => Buffer.from(value).toString('hex'))])
    .refine(
      (value) => value === '' || (value.length === 2 * bytes && /^[0-9a-f]*$/.test(value)),
      `${bytes} bytes`,
    );
}

/** Enums are numbers in JSON, as OTLP wants it, and after protobuf. */
function enumeration<Name extends string>(...names: readonly Name[]) {
  return z
    .int()
    .default(0)
    .transform((value, context): Name => {
      const name = names[value];
      if (name !== undefined) return name;
      context.addIssue(`${value} is none of ${names.join(', ')}`);
      return z.NEVER;
    });
}

const anyValue: z.ZodType<AttributeValue> = z.lazy(() =>
  z.union([
    z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
    z.object({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
    z.object({ intValue: int64 }).transform(({ intValue }) => intValue),
    z.object({ doubleValue: z.number() }).transform(({ doubleValue }) => doubleValue),
    z
      .object({ arrayValue: z.object({ values: z.array(anyValue).default([]) }) })
      .transform(({ arrayValue }) => arrayValue.values),
    z
      .object({ kvlistValue: z.object({ values: z.lazy(() => attributes) }) })
      .transform(({ kvlistValue }) => kvlistValue.values),
    z.strictObject({}).transform(() => null),
  ]),
);

const attributes = z
  .array(z.object({ key: z.string(), value: anyValue.default(null) }))
  .default([])
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, 'each key once')
  .transform((list): Attributes => Object.fromEntries(list.map(({ key, value }) => [key, value])));

const spanSchema = z
  .object({
    traceId: id(16),
    spanId: id(8),
    parentSpanId: id(8)
      .default('')
      .transform((value) => value || undefined),
    traceState: z.string().default(''),
    name: z.string(),
    kind: enumeration('UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'),
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes,
    events: z
      .array(z.object({ name: z.string(), timeUnixNano: time, attributes }))
      .default([])
      .transform((list) => list.map(({ timeUnixNano, ...event }) => ({ ...event, timeMs: timeUnixNano }))),
    links: z.array(z.object({ traceId: id(16), spanId: id(8), attributes })).default([]),
    status: z
      .object({ code: enumeration('UNSET', 'OK', 'ERROR'), message: z.string().default('') })
      .prefault({}),
  })
  .transform(({ startTimeUnixNano, endTimeUnixNano, ...span }) => ({
    ...span,
    startMs: startTimeUnixNano,
    endMs: endTimeUnixNano,
  }));

/** A number, or a histogram's figures. */
export interface Point {
  attributes: Attributes;
  value?: number | undefined;
  count?: number;
  sum?: number | undefined;
  bounds?: number[];
  /** One more than the bounds. */
  counts?: number[];
}

const numberPoint = z
  .object({ attributes, asInt: int64.optional(), asDouble: z.number().optional() })
  .transform(({ attributes, asInt, asDouble }): Point => ({ attributes, value: asInt ?? asDouble }));

const histogramPoint = z
  .object({
    attributes,
    count: int64.default(0),
    sum: z.number().optional(),
    bucketCounts: z.array(int64).default([]),
    explicitBounds: z.array(z.number()).default([]),
  })
  .transform(
    ({ bucketCounts, explicitBounds, ...point }): Point => ({
      ...point,
      bounds: explicitBounds,
      counts: bucketCounts,
    }),
  );

const temporality = enumeration('UNSPECIFIED', 'DELTA', 'CUMULATIVE');
const numberPoints = z.array(numberPoint).default([]);

const metricSchema = z
  .object({
    name: z.string(),
    description: z.string().default(''),
    unit: z.string().default(''),
    gauge: z.object({ dataPoints: numberPoints }).optional(),
    sum: z
      .object({
        dataPoints: numberPoints,
        aggregationTemporality: temporality,
        isMonotonic: z.boolean().default(false),
      })
      .optional(),
    histogram: z
      .object({ dataPoints: z.array(histogramPoint).default([]), aggregationTemporality: temporality })
      .optional(),
  })
  .transform(({ name, description, unit, gauge, sum, histogram }) => ({
    name,
    description,
    unit,
    type: histogram ? ('histogram' as const) : sum ? ('sum' as const) : ('gauge' as const),
    monotonic: sum?.isMonotonic ?? false,
    temporality: (histogram ?? sum)?.aggregationTemporality,
    points: histogram?.dataPoints ?? sum?.dataPoints ?? gauge?.dataPoints ?? [],
  }));

const logSchema = z
  .object({
    timeUnixNano: time.default(0),
    severityText: z.string().default(''),
    body: anyValue.default(null),
    eventName: z.string().default(''),
    attributes,
    traceId: id(16).default(''),
    spanId: id(8).default(''),
  })
  .transform(({ timeUnixNano, ...log }) => ({ ...log, timeMs: timeUnixNano }));

const resource = z.object({ attributes }).prefault({});
const scope = z.object({ name: z.string().default('') }).prefault({});

/** The items, out of their resources and scopes; each then says for itself where it came from. */
function items<Item extends object>(
  item: z.ZodType<Item>,
  names: { outer: string; middle: string; inner: string },
) {
  const list = z.array(z.record(z.string(), z.unknown())).default([]);
  const message = z.record(z.string(), z.unknown());
  return message.transform((request): (Item & Origin)[] =>
    list.parse(request[names.outer]).flatMap((outer) =>
      list.parse(outer[names.middle]).flatMap((middle) =>
        list.parse(middle[names.inner]).map((inner) => ({
          ...item.parse(inner),
          resource: resource.parse(outer.resource).attributes,
          scope: scope.parse(middle.scope).name,
        })),
      ),
    ),
  );
}

const traces = items(spanSchema, { outer: 'resourceSpans', middle: 'scopeSpans', inner: 'spans' });
const metrics = items(metricSchema, { outer: 'resourceMetrics', middle: 'scopeMetrics', inner: 'metrics' });
const logs = items(logSchema, { outer: 'resourceLogs', middle: 'scopeLogs', inner: 'logRecords' });
