/**
 * Every bound of the service, with its unit in its name and its reason beside it. The configuration's
 * `limits` section overrides any of them; an upstream's `limits` those that concern an upstream.
 */
const KiB = 1024;
const MiB = 1024 * KiB;

export const defaultLimits = {
  /** A query is held in memory to be understood. 64 MiB is above what today's APIs accept for one. */
  queryBytesMax: 64 * MiB,
  /** A payload that no dialect understands streams through; this only stops runaways. */
  bodyBytesMax: 2 * 1024 * MiB,
  /** Below this an unknown body travels as one buffer, which costs less than a stream. */
  bodyCollectBytesMax: 64 * KiB,
  /** Request line and headers: Node's own default, enough for large cookies and tokens. */
  requestHeadersBytesMax: 16 * KiB,
  /** Slow or silent clients may not hold a connection for ever: RFC 9110 §15.5.9. */
  requestHeadersTimeoutMs: 60_000,
  /** Requests that wait on one client connection behind the one that runs. Browsers and SDKs send none. */
  pipelinedRequestsMax: 8,
  /** The whole request, body included: a 64 MiB query on a slow line. */
  requestTimeoutMs: 300_000,
  /** A client that takes nothing of a waiting reply for so long has gone. */
  clientStallTimeoutMs: 120_000,
  /**
   * How long the rest of a request is read away after a reply that ends the connection: closing while the
   * client still sends resets the connection, and the reset can take the reply with it (RFC 9112 §9.6).
   */
  lingerTimeoutMs: 2_000,
  /** Idle client connections: longer than the usual 60 s of load balancers, or they see resets. */
  clientKeepAliveTimeoutMs: 65_000,
  /** A whole reply that a middleware reads, after decompression. */
  replyReadBytesMax: 32 * MiB,
  /** One stream event: image events carry megabytes in one line. */
  eventBytesMax: 8 * MiB,
  /** A whole reply that is only looked at: parsing 8 MiB keeps the process busy for about 20 ms. */
  observedReplyBytesMax: 8 * MiB,
  /** Bytes that wait for decompression beside the way; above it the observation ends, the reply goes on. */
  decodeQueueBytesMax: 1 * MiB,

  /** TCP and TLS to the upstream. */
  connectTimeoutMs: 10_000,
  /** From the request sent to the reply's head: whole replies of reasoning models take minutes. */
  replyHeadTimeoutMs: 600_000,
  /** Between two pieces of a reply: keep-alive comments come every 15–30 s where a model thinks. */
  replyIdleTimeoutMs: 120_000,
  /** An idle upstream connection. Hints of the upstream (`keep-alive: timeout=`) shorten it. */
  upstreamKeepAliveMs: 60_000,
  /** Connections to one upstream: model requests are long, so many are open at once. */
  upstreamConnectionsMax: 512,
  /** Requests that wait for a connection; above it they are refused at once instead of late. */
  upstreamQueueMax: 1024,
  /** The reply's head. */
  replyHeadersBytesMax: 64 * KiB,
  /** WebSocket sessions at once: each has two sockets, and their buffers in the kernel. */
  sessionsMax: 10_000,
  /** One message of a WebSocket, as it is on the wire: images and audio of today's realtime APIs fit in. */
  messageBytesMax: 10 * MiB,
  /** From the upgrade to the answer of the upstream: a session begins with a person who waits. */
  upgradeTimeoutMs: 30_000,
  /** Silence after which a WebSocket's peer is asked whether it is there: below the 60 s of load balancers. */
  pingIntervalMs: 20_000,
  /** How long that answer may take: a half-open peer is found within 30 s. */
  pongTimeoutMs: 10_000,
  /** How long a peer may take to answer a close frame, before its connection is cut off. */
  closeTimeoutMs: 5_000,
  /** Bytes that wait for a slow peer of a WebSocket; above it whoever sends them is paused. */
  sendBufferBytesMax: 1 * MiB,
  /** Messages and control frames from one client in a second, where each makes work of its own (`/stream`, pings). */
  clientMessagesPerSecondMax: 10_000,
  /** Turns of one session that are told apart at once; what begins above it is forwarded and counted. */
  turnsOpenMax: 64,
  /** Queries under way on one connection of the stream protocol; above it they are refused at once. */
  streamQueriesMax: 256,
  /** Bytes of one reply that may be on their way before the receiver grants more: one slow reader stops no other. */
  streamWindowBytes: 256 * KiB,
  /** Attempts to connect to an upstream over WebSocket, before those who wait for it are told. */
  reconnectAttemptsMax: 5,
  /** Wait before the second of them; it doubles with each, and a random part keeps instances from coming all at once. */
  reconnectDelayMs: 500,
  /** The longest wait between two of them. */
  reconnectDelayMsMax: 10_000,

  /** One health probe, connection included. */
  probeTimeoutMs: 3_000,
  /** How often an upstream is probed, in the background: for its metrics, snapshots and `/readyz`. */
  probeIntervalMs: 15_000,

  /** A hook callback; what it returns later reaches nobody. */
  hookTimeoutMs: 1_000,
  /** Hook callbacks under way at once; above it they are skipped and counted. */
  hooksPendingMax: 1_000,
  /**
   * `beforeQuery`, `afterResponse` and `onError` of one middleware, and one message's way through its message
   * type: guardrails that ask a model take seconds.
   */
  middlewareTimeoutMs: 30_000,

  /** One source file of a plugin: what is larger was not written by hand. */
  pluginFileBytesMax: 5 * MiB,
  /** Files in the plugin folder that are looked at; a folder with more is not meant for plugins. */
  pluginFilesMax: 2_000,
  /** `initialize` of a plugin, with the evaluation of its module: it may open connections. */
  pluginInitializeTimeoutMs: 10_000,
  /** `cleanup` of a plugin; the old version is let go of then, whether it has answered or not. */
  pluginCleanupTimeoutMs: 5_000,
  /** How long an old version is kept for the exchanges that began with it: longer than any usual stream. */
  pluginDrainTimeoutMs: 900_000,
  /** A changed file is read when two looks at it, so far apart, were equal: slow writers are not cut short. */
  pluginSettleMs: 150,
  /** How often the folder is looked at, beside the hints of the operating system, which some mounts never give. */
  pluginSweepIntervalMs: 2_000,
  /** Failures of a plugin's middleware, hook callback or message type, one after the other, that open its breaker. */
  breakerFailuresMax: 5,
  /** How long an open breaker lets nothing through, before one call may try again. */
  breakerOpenMs: 30_000,
  /** A callback of a plugin in a worker; then its thread is ended. */
  pluginWorkerTimeoutMs: 2_000,
  /** Memory of a plugin's worker, heap and buffers; looked at ten times a second. */
  pluginWorkerHeapBytesMax: 128 * MiB,
  /** Calls that wait for one worker; above it they fail at once. */
  pluginWorkerCallsMax: 1_000,

  /** From one snapshot of the service's own figures to the next; alerts are evaluated with each. */
  snapshotIntervalMs: 5_000,
  /** Snapshots kept: about 80 minutes. */
  snapshotsMax: 1_000,
  /** Readers of the admin plane's event streams at once: consoles, each with a connection of its own. */
  eventStreamsMax: 64,
  /** Events that wait for one of them; above it the reader is cut off, and comes back for what it has missed. */
  eventStreamBytesMax: 1 * MiB,
  /** A comment is sent so often on such a stream: below the 60 s of proxies that cut off what is silent. */
  eventStreamKeepAliveMs: 15_000,
  /** How long the console's login holds: a working day, so that nobody leaves one behind for the next. */
  consoleSessionMs: 12 * 60 * 60 * 1_000,
  /** Wrong admin tokens in a minute, at the login and as bearer each: a person mistypes, and only a program asks on. */
  wrongTokensPerMinuteMax: 10,
  /** One message about an alert to a webhook or an Alertmanager. */
  alertSendTimeoutMs: 5_000,
  /** Tries to send it, before it is given up and counted: they span the minute or two in which a receiver restarts. */
  alertSendTriesMax: 8,
  /** Wait before the second of them; it doubles with each. */
  alertRetryDelayMs: 1_000,
  /** The longest wait between two of them, also where the receiver asks for a longer one. */
  alertRetryDelayMsMax: 60_000,
  /** How often an Alertmanager is told again of what fires: it takes that as over after four times as long. */
  alertResendIntervalMs: 60_000,
  /** Messages about alerts that wait to be sent to one receiver; above it the oldest is dropped and counted. */
  alertQueueMax: 256,
  /**
   * Characters of JSON that telemetry tells of one attempt, where prompts and replies are captured: up to half for what
   * was asked, what is left for the answer. The rest is left out, and that is told.
   */
  contentCharsMax: 64 * KiB,

  /** Values of one label beyond this many become `other`: each value multiplies the series. */
  labelValuesMax: 100,
  /** So is a value that is longer: it stands in every line of its series, and no name is as long. */
  labelCharsMax: 256,
  /** Series of one metric, where a histogram with its buckets is one; those above become `otel_metric_overflow="true"`. */
  seriesMax: 2_000,
  /** What a plugin may take to say what it observes, before `/metrics` does without: Prometheus waits 10 s. */
  observeTimeoutMs: 2_000,
  /**
   * Ended exchanges kept for `/api/exchanges`, about 500 bytes each: a minute of a busy service, hours of a quiet one.
   */
  recentExchangesMax: 10_000,
  /** A text of one of them: a path, the name of a model or a tenant. */
  recentTextCharsMax: 256,
  /** Lines of one answer of `/api/exchanges`: a page asks for what it shows. */
  exchangesPerAnswerMax: 1_000,
  /** Traces kept for `/api/traces` in which nothing went wrong: those of the newest spans. */
  tracesMax: 500,
  /**
   * Traces kept beside these in which something did, an exchange or one of its attempts for instance: they are what one
   * looks for, and a busy service has five hundred good ones in seconds.
   */
  troubledTracesMax: 500,
  /** Spans kept of one of these traces. */
  spansPerTraceMax: 256,
  /** Marks of a stream's chunks in its trace: as many as a waterfall has room for. */
  chunkMarksMax: 256,
  /** Streams whose marks are kept, those that ended last: 2 KiB each. */
  markedStreamsMax: 1_000,
  /**
   * Characters of what may be long in all of these traces, such as paths, and prompts and replies where they are
   * captured: clients choose both their length and the ids of traces. The oldest traces go first, of those with or
   * without trouble, whichever hold more.
   */
  tracesTextCharsMax: 32 * MiB,
  /** Gaps between output chunks kept of one exchange, 8 bytes each: replies have up to a hundred thousand tokens. */
  chunkGapsMax: 131_072,
  /** Middleware runs noted of one exchange. */
  middlewareRunsMax: 128,
  /** A span attribute's text. */
  attributeCharsMax: 4 * KiB,
  /** Lines of the log that wait while nobody reads standard output; above it they are dropped and counted. */
  logWaitingCharsMax: 1 * MiB,

  /** From SIGTERM to the end of the last exchange: Kubernetes kills after 30 s, telemetry included. */
  drainTimeoutMs: 20_000,
  /** The last export of telemetry, within that same half minute. */
  flushTimeoutMs: 5_000,
} as const satisfies Record<string, number>;

export type LimitName = keyof typeof defaultLimits;
export type Limits = Readonly<Record<LimitName, number>>;

/** The limits that an upstream may set for itself. */
export const upstreamLimitNames = [
  'connectTimeoutMs',
  'replyHeadTimeoutMs',
  'replyIdleTimeoutMs',
  'upstreamKeepAliveMs',
  'upstreamConnectionsMax',
  'upstreamQueueMax',
  'upgradeTimeoutMs',
  'messageBytesMax',
  'pingIntervalMs',
  'pongTimeoutMs',
  'sendBufferBytesMax',
  'streamQueriesMax',
  'clientMessagesPerSecondMax',
  'streamWindowBytes',
  'reconnectAttemptsMax',
  'reconnectDelayMs',
  'reconnectDelayMsMax',
] as const satisfies readonly LimitName[];
