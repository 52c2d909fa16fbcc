/**
 * Every name that telemetry uses: metrics with their units and buckets, attribute keys, span events. The
 * GenAI names are those of the OpenTelemetry semantic conventions 1.41 (all "Development"), which today's
 * backends and dashboards read; the HTTP ones are stable.
 * https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/
 * https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/http/
 */
export const scope = { name: 'sightline', version: '0.1.0' } as const;

export const attribute = {
  httpRequestMethod: 'http.request.method',
  httpRequestMethodOriginal: 'http.request.method_original',
  httpRoute: 'http.route',
  httpResponseStatusCode: 'http.response.status_code',
  httpRequestBodySize: 'http.request.body.size',
  httpResponseBodySize: 'http.response.body.size',
  httpRequestResendCount: 'http.request.resend_count',
  urlPath: 'url.path',
  urlScheme: 'url.scheme',
  /** Only of what came over a WebSocket: `websocket`. */
  networkProtocolName: 'network.protocol.name',
  networkProtocolVersion: 'network.protocol.version',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  errorType: 'error.type',
  exceptionType: 'exception.type',
  exceptionMessage: 'exception.message',
  exceptionStacktrace: 'exception.stacktrace',

  genAiOperationName: 'gen_ai.operation.name',
  genAiProviderName: 'gen_ai.provider.name',
  genAiRequestModel: 'gen_ai.request.model',
  genAiRequestMaxTokens: 'gen_ai.request.max_tokens',
  genAiRequestTemperature: 'gen_ai.request.temperature',
  genAiRequestTopP: 'gen_ai.request.top_p',
  genAiRequestTopK: 'gen_ai.request.top_k',
  genAiRequestFrequencyPenalty: 'gen_ai.request.frequency_penalty',
  genAiRequestPresencePenalty: 'gen_ai.request.presence_penalty',
  genAiRequestStopSequences: 'gen_ai.request.stop_sequences',
  genAiRequestSeed: 'gen_ai.request.seed',
  genAiRequestChoiceCount: 'gen_ai.request.choice.count',
  genAiRequestStream: 'gen_ai.request.stream',
  genAiResponseId: 'gen_ai.response.id',
  genAiResponseModel: 'gen_ai.response.model',
  genAiResponseFinishReasons: 'gen_ai.response.finish_reasons',
  genAiResponseTimeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  genAiUsageInputTokens: 'gen_ai.usage.input_tokens',
  genAiUsageOutputTokens: 'gen_ai.usage.output_tokens',
  genAiUsageCacheReadInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  genAiUsageCacheCreationInputTokens: 'gen_ai.usage.cache_creation.input_tokens',
  genAiUsageReasoningOutputTokens: 'gen_ai.usage.reasoning.output_tokens',
  genAiTokenType: 'gen_ai.token.type',
  /** This one and the next three: only where prompts and replies are captured. */
  genAiInputMessages: 'gen_ai.input.messages',
  genAiOutputMessages: 'gen_ai.output.messages',
  genAiSystemInstructions: 'gen_ai.system_instructions',
  genAiToolDefinitions: 'gen_ai.tool.definitions',

  /** One of `exchange/outcome.ts`. */
  outcome: 'sightline.outcome',
  /** `client` where an `upstream_error` is the client's own mistake (`exchange/fault.ts`); absent otherwise. */
  fault: 'sightline.fault',
  /** The exchange's id, as in `x-request-id`. */
  exchangeId: 'sightline.exchange.id',
  /** Name of a configured upstream. */
  upstream: 'sightline.upstream',
  /** The upstream's own id of the request. */
  upstreamRequestId: 'sightline.upstream.request_id',
  /** Name of a dialect. */
  dialect: 'sightline.dialect',
  /** 1 for the first attempt of an exchange. */
  attempt: 'sightline.attempt',
  /** Events of the reply that carried output of the model. */
  outputChunks: 'sightline.output.chunks',
  /** The whole exchange, seconds. Spans have it as their length. */
  duration: 'sightline.duration',
  /** Our own share of the exchange, seconds. */
  overhead: 'sightline.overhead',
  /** Why a reply could not be understood beside its way. */
  unobserved: 'sightline.unobserved',
  /** Something of the captured prompts and replies was left out. */
  contentTruncated: 'sightline.content.truncated',

  /** The exchange's id of the session, on everything that belongs to it. */
  sessionId: 'sightline.session.id',
  /** Name of a dialect, `stream` or `unknown`. */
  sessionProtocol: 'sightline.session.protocol',
  /** `sec-websocket-protocol`, as agreed. */
  sessionSubprotocol: 'sightline.session.subprotocol',
  /** Number of a turn in its session. */
  sessionTurn: 'sightline.session.turn',
  sessionTurns: 'sightline.session.turns',
  sessionTurnsDropped: 'sightline.session.turns_dropped',
  sessionRefusedMessages: 'sightline.session.refused_messages',
  /** Of the upstream: what it still said of turns that had failed here. */
  sessionSwallowedMessages: 'sightline.session.swallowed_messages',
  sessionClientMessages: 'sightline.session.client.messages',
  sessionClientFrames: 'sightline.session.client.frames',
  sessionClientBytes: 'sightline.session.client.bytes',
  /** What the client got: from its upstream, or from us where the session speaks our own protocol. */
  sessionUpstreamMessages: 'sightline.session.upstream.messages',
  sessionUpstreamFrames: 'sightline.session.upstream.frames',
  sessionUpstreamBytes: 'sightline.session.upstream.bytes',
  // Sums over turns, whose spans have them as `gen_ai.usage.*`: whoever sums those over all spans, as
  // backends do, would count every token of a session twice if its span had them under those names too.
  sessionInputTokens: 'sightline.session.usage.input_tokens',
  sessionOutputTokens: 'sightline.session.usage.output_tokens',
  sessionCacheReadInputTokens: 'sightline.session.usage.cache_read.input_tokens',
  sessionCacheCreationInputTokens: 'sightline.session.usage.cache_creation.input_tokens',
  sessionReasoningOutputTokens: 'sightline.session.usage.reasoning.output_tokens',
  sessionCloseCode: 'sightline.session.close.code',
  sessionCloseReason: 'sightline.session.close.reason',
  /** `client`, `upstream` or `sightline`. */
  sessionClosedBy: 'sightline.session.close.by',
  /** Who sent it: `client` or `upstream`. */
  direction: 'sightline.direction',
  /** Name of a registered message type. */
  messageType: 'sightline.message.type',
  /** Of a message: `passed`, `changed`, `dropped`, `refused`. Of a try to connect: `connected`, `failed`. */
  result: 'sightline.result',
  /** 1 for the first try to connect. */
  connectNumber: 'sightline.connect.number',
  /** Until the next try to connect, seconds. */
  connectNextDelay: 'sightline.connect.next_delay',

  middleware: 'sightline.middleware',
  phase: 'sightline.phase',
  hookPoint: 'sightline.hook.point',
  hookOwner: 'sightline.hook.owner',
  hookFailure: 'sightline.hook.failure',
  plugin: 'sightline.plugin',
  pluginVersion: 'sightline.plugin.version',
  /** `middleware`, `hook`, `message` or `lifecycle`. */
  pluginKind: 'sightline.plugin.kind',
  /** A phase of middleware, a hook point, a message type, `initialize` or `cleanup`. */
  pluginPoint: 'sightline.plugin.point',
  pluginState: 'sightline.plugin.state',
  /** `loaded`, `reloaded`, `rejected` or `unloaded`. */
  pluginChange: 'sightline.plugin.change',
  reason: 'sightline.reason',
  signal: 'sightline.signal',
  /** Id of a threshold. */
  alert: 'sightline.alert',
  alertSeverity: 'sightline.alert.severity',
  /** Of alerts: `webhook` or `alertmanager`. */
  receiver: 'sightline.receiver',

  /** `user` or `system`. */
  cpuMode: 'cpu.mode',
  v8jsHeapSpaceName: 'v8js.heap.space.name',
  v8jsGcType: 'v8js.gc.type',
} as const;

/** What was asked and answered. */
export const contentAttributes = [
  attribute.genAiInputMessages,
  attribute.genAiOutputMessages,
  attribute.genAiSystemInstructions,
  attribute.genAiToolDefinitions,
] as const;

/** Events on spans. */
export const spanEvent = {
  exception: 'exception',
  /** The head of the upstream's reply has come. */
  replyHead: 'sightline.reply_head',
  /** The first stream event with output of the model has come. */
  firstChunk: 'sightline.first_chunk',
  /** A try to connect to the upstream, which the attempt waited for. */
  connect: 'sightline.connect',
} as const;

/** Names of log records. */
export const logEvent = {
  /** A request, a session or a turn has ended. */
  exchange: 'sightline.exchange',
  /** An alert has begun to fire, or is resolved. */
  alert: 'sightline.alert',
  /** A plugin was loaded, reloaded or unloaded. */
  plugin: 'sightline.plugin',
  /** What was asked and answered in one attempt; convention. Only where that is captured. */
  inferenceDetails: 'gen_ai.client.inference.operation.details',
} as const;

/**
 * Keys of a line of the log beside attributes; those of the trace as OpenTelemetry has them where no OTLP is.
 * https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 */
export const lineKey = {
  level: 'level',
  time: 'time',
  message: 'msg',
  event: 'event.name',
  traceId: 'trace_id',
  spanId: 'span_id',
  traceFlags: 'trace_flags',
} as const;

/** Attributes and labels that middleware adds stand below this. */
export const tagPrefix = 'sightline.tag.';

/** Convention: `gen_ai.client.operation.duration` and the like. */
const secondsFine = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/** The convention's buckets end at 10 s, and models that reason think longer before they begin. */
const firstChunkSeconds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const perChunkSeconds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const tokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
/** The convention's buckets end at 10 s, and model streams run for minutes. */
const httpSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320];
/** Our own share is tens of microseconds, or a guardrail's seconds. */
const overheadSeconds = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30,
];
/** A scavenge takes a millisecond; what takes more is felt. */
const gcSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** From a handshake that is refused to a day of work. */
const sessionSeconds = [0.1, 1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400];

interface MetricRow {
  readonly name: string;
  readonly kind: 'histogram' | 'counter' | 'up_down_counter' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly buckets?: number[];
  /** Read when metrics are collected, from what still runs too: sessions last for hours. */
  readonly isObserved?: true;
}

export const metric = {
  httpDuration: {
    name: 'http.server.request.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of requests from clients, to the end of the reply.',
    buckets: httpSeconds,
  },
  httpActive: {
    name: 'http.server.active_requests',
    kind: 'up_down_counter',
    unit: '{request}',
    description: 'Requests from clients in flight.',
  },
  operationDuration: {
    name: 'gen_ai.client.operation.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of attempts at an upstream, and of turns of sessions, to the end of the reply.',
    buckets: secondsFine,
  },
  tokenUsage: {
    name: 'gen_ai.client.token.usage',
    kind: 'histogram',
    unit: '{token}',
    description: 'Tokens of an attempt or a turn, as the upstream reported them.',
    buckets: tokens,
  },
  timeToFirstChunk: {
    name: 'gen_ai.client.operation.time_to_first_chunk',
    kind: 'histogram',
    unit: 's',
    description: 'From the attempt, or the turn, to the first event with output of the model.',
    buckets: firstChunkSeconds,
  },
  timePerOutputChunk: {
    name: 'gen_ai.client.operation.time_per_output_chunk',
    kind: 'histogram',
    unit: 's',
    description: 'Between two events with output of the model.',
    buckets: perChunkSeconds,
  },
  outcomes: {
    name: 'sightline.exchange.outcomes',
    kind: 'counter',
    unit: '{exchange}',
    description: 'Requests, and turns of sessions, by how they ended.',
  },
  sessionDuration: {
    name: 'sightline.session.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of WebSocket sessions, from the upgrade to the close, by how they ended.',
    buckets: sessionSeconds,
  },
  sessionRefusals: {
    name: 'sightline.session.refused',
    kind: 'counter',
    unit: '{session}',
    description: 'WebSocket sessions that did not come about, here or at the upstream, by how they ended.',
  },
  sessionActive: {
    name: 'sightline.session.active',
    kind: 'up_down_counter',
    unit: '{session}',
    description: 'WebSocket sessions that are open, or about to be.',
  },
  sessionMessages: {
    name: 'sightline.session.messages',
    kind: 'counter',
    unit: '{message}',
    description: 'Messages on WebSocket sessions by who sent them; of open sessions too.',
    isObserved: true,
  },
  sessionBytes: {
    name: 'sightline.session.bytes',
    kind: 'counter',
    unit: 'By',
    description:
      'Bytes on WebSocket sessions by who sent them, as they were on the wire; of open sessions too.',
    isObserved: true,
  },
  sessionRefusedMessages: {
    name: 'sightline.session.refused_messages',
    kind: 'counter',
    unit: '{message}',
    description: 'Messages on WebSocket sessions that were refused, with an error to the client.',
    isObserved: true,
  },
  messagesHandled: {
    name: 'sightline.message.handled',
    kind: 'counter',
    unit: '{message}',
    description: 'Messages by registered message type, and what became of them.',
  },
  upstreamConnects: {
    name: 'sightline.upstream.connects',
    kind: 'counter',
    unit: '{connect}',
    description: 'Tries to connect to an upstream over WebSocket that a request waited for.',
  },
  overhead: {
    name: 'sightline.overhead.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Our own share of an exchange: neither client nor upstream was waited for.',
    buckets: overheadSeconds,
  },
  middlewareDuration: {
    name: 'sightline.middleware.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Time of one middleware in one phase of an exchange.',
    buckets: overheadSeconds,
  },
  hookErrors: {
    name: 'sightline.hook.errors',
    kind: 'counter',
    unit: '{error}',
    description: 'Hook callbacks that threw, missed their deadline or were skipped.',
  },
  pluginDuration: {
    name: 'sightline.plugin.duration',
    kind: 'histogram',
    unit: 's',
    description:
      "Time of a plugin's code: middleware by phase, hook callbacks by point, messages by type, `initialize`, `cleanup`.",
    buckets: overheadSeconds,
  },
  plugins: {
    name: 'sightline.plugins',
    kind: 'up_down_counter',
    unit: '{plugin}',
    description: 'Plugins by state.',
  },
  pluginChanges: {
    name: 'sightline.plugin.changes',
    kind: 'counter',
    unit: '{change}',
    description: 'Plugins that were loaded, reloaded, rejected or unloaded.',
  },
  pluginBreakersOpen: {
    name: 'sightline.plugin.breakers_open',
    kind: 'up_down_counter',
    unit: '{breaker}',
    description:
      "Breakers of plugins' middleware, hook callbacks and message types that are open or half open.",
  },
  pluginStrayErrors: {
    name: 'sightline.plugin.stray_errors',
    kind: 'counter',
    unit: '{error}',
    description: 'Errors of plugins where nobody waits: in timers, and of promises that nobody looks after.',
  },
  pluginLeaks: {
    name: 'sightline.plugin.leaks',
    kind: 'counter',
    unit: '{version}',
    description:
      'Versions of plugins that were unloaded and are still held in memory by something they left behind.',
  },
  unobservedReplies: {
    name: 'sightline.reply.unobserved',
    kind: 'counter',
    unit: '{reply}',
    description: 'Replies that passed but could not be understood beside their way.',
  },
  droppedTelemetry: {
    name: 'sightline.telemetry.dropped',
    kind: 'counter',
    unit: '{item}',
    description:
      'Telemetry that was lost, and why: spans, log records and points of pushed metrics that no collector took (`export`), spans and log records that found a full queue (`queue_full`), log lines that nobody read (`stdout`). No fault, and no alert: chunk times, middleware runs and turns beyond their bounds (`bound`), spans where nobody set up a collector (`no_collector`).',
  },
  rejections: {
    name: 'sightline.listener.rejections',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that were refused before they became exchanges.',
  },
  tokenDetails: {
    name: 'sightline.token.details',
    kind: 'counter',
    unit: '{token}',
    description:
      'Tokens that are part of those of `gen_ai.client.token.usage`: read from and written to a cache, and spent on reasoning.',
  },
  upstreamUp: {
    name: 'sightline.upstream.up',
    kind: 'gauge',
    unit: '{upstream}',
    description: '1 where the last probe of the upstream got an answer, 0 where not.',
    isObserved: true,
  },
  upstreamCertificate: {
    name: 'sightline.upstream.certificate.remaining',
    kind: 'gauge',
    unit: 's',
    description: "Until the upstream's TLS certificate ends; below zero since it has.",
    isObserved: true,
  },
  pluginsRejected: {
    name: 'sightline.plugin.rejected',
    kind: 'gauge',
    unit: '{plugin}',
    description: 'Plugins whose newest version cannot be used.',
    isObserved: true,
  },
  alertsFiring: {
    name: 'sightline.alert.firing',
    kind: 'gauge',
    unit: '{alert}',
    description: '1 for each alert that fires in this process, 0 for each that does not.',
    isObserved: true,
  },
  alertNotifications: {
    name: 'sightline.alert.notifications',
    kind: 'counter',
    unit: '{notification}',
    description: 'What became of messages about alerts: `sent`, `failed` after all tries, `dropped`.',
  },
  processMemory: {
    name: 'process.memory.usage',
    kind: 'up_down_counter',
    unit: 'By',
    description: 'Physical memory of the process (RSS).',
    isObserved: true,
  },
  processCpuTime: {
    name: 'process.cpu.time',
    kind: 'counter',
    unit: 's',
    description: 'CPU time of the process, all threads together.',
    isObserved: true,
  },
  processCpuCapacity: {
    name: 'sightline.process.cpu.capacity',
    kind: 'gauge',
    unit: '{cpu}',
    description: 'CPUs that one event loop can have: one, or the share of the cgroup where that is less.',
    isObserved: true,
  },
  processCpuLimit: {
    name: 'sightline.process.cpu.limit',
    kind: 'gauge',
    unit: '{cpu}',
    description: 'CPUs that the cgroup allows; absent where it allows all.',
    isObserved: true,
  },
  processUptime: {
    name: 'process.uptime',
    kind: 'gauge',
    unit: 's',
    description: 'Since the process began.',
    isObserved: true,
  },
  heapUsed: {
    name: 'v8js.memory.heap.used',
    kind: 'up_down_counter',
    unit: 'By',
    description: 'Memory that is in use, by space of the heap.',
    isObserved: true,
  },
  gcDuration: {
    name: 'v8js.gc.duration',
    kind: 'histogram',
    unit: 's',
    description: 'Duration of garbage collections, by type.',
    buckets: gcSeconds,
  },
  eventLoopDelay: {
    name: 'nodejs.eventloop.delay.p99',
    kind: 'gauge',
    unit: 's',
    description: 'How late timers of the event loop were, 99th percentile between two snapshots.',
    isObserved: true,
  },
  eventLoopUtilization: {
    name: 'nodejs.eventloop.utilization',
    kind: 'gauge',
    unit: '1',
    description: 'How much of the time the event loop was busy, 0 to 1, between two snapshots.',
    isObserved: true,
  },
} as const satisfies Record<string, MetricRow>;
