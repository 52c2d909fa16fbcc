import { z } from 'zod';

/*
 * What the components that our configurations use take, read in their sources: the collector's and its
 * contributors' at 0.160 (`config.schema.yaml` beside each), Jaeger's at 2.20. All of them refuse to start with
 * a key that they do not know. Of keys that hold much which we do not use, that they may be there is all that
 * is said.
 */

const duration = z.string().regex(/^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+$/, 'expected a duration: 5s, 1m30s');
const count = z.int().nonnegative();
const percentage = z.int().min(1).max(100);
const texts = z.array(z.string());
/** RE2's syntax, but for what JavaScript writes in another way. */
const patterns = z.array(z.string().refine(isPattern, 'expected a regular expression'));
const unused = z.unknown().optional();

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** An address to listen at, maybe with variables in it: `${env:HOST:-localhost}:4317`. */
const listenAddress = z.string().regex(/^(?:[\w.-]+|\$\{env:\w+(?::-[\w.-]+)?\}):\d+$/, 'expected host:port');
const server = z.strictObject({ endpoint: listenAddress, tls: unused, include_metadata: unused });
const nothing = z.null();

const tls = z.strictObject({ insecure: z.boolean(), ca_file: unused, cert_file: unused, key_file: unused });
const sending = {
  compression: unused,
  headers: unused,
  retry_on_failure: unused,
  sending_queue: unused,
  timeout: duration.optional(),
};

/** https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/tailsamplingprocessor */
const policies = {
  status_code: z.strictObject({ status_codes: z.array(z.enum(['OK', 'ERROR', 'UNSET'])) }),
  string_attribute: z.strictObject({
    key: z.string(),
    values: texts.min(1),
    enabled_regex_matching: z.boolean().optional(),
    cache_max_size: count.optional(),
    invert_match: z.boolean().optional(),
  }),
  latency: z.strictObject({ threshold_ms: count, upper_threshold_ms: count.optional() }),
  probabilistic: z.strictObject({
    sampling_percentage: z.number().positive().max(100),
    hash_salt: z.string().optional(),
  }),
};
const policyTypes = Object.keys(policies) as (keyof typeof policies)[];
const policy = z.union(
  policyTypes.map((type) =>
    z.strictObject({ name: z.string(), type: z.literal(type), [type]: policies[type] }),
  ),
);

const tailSampling = z
  .strictObject({
    decision_wait: duration,
    decision_wait_after_root_received: duration.optional(),
    num_traces: count,
    expected_new_traces_per_sec: count.optional(),
    block_on_overflow: z.boolean().optional(),
    drop_pending_traces_on_shutdown: z.boolean().optional(),
    maximum_trace_size_bytes: count.optional(),
    sample_on_first_match: z.boolean().optional(),
    decision_cache: z.strictObject({ sampled_cache_size: count, non_sampled_cache_size: count }),
    policies: z.array(policy).min(1),
  })
  .refine(
    ({ num_traces, decision_cache }) =>
      Object.values(decision_cache).every((size) => size >= 10 * num_traces),
    'expected caches of at least ten times num_traces, as the documentation has it',
  );

/** https://github.com/jaegertracing/jaeger/blob/main/cmd/internal/storageconfig/config.go */
const jaegerStorage = z.strictObject({
  backends: z.record(
    z.string(),
    z.strictObject({
      badger: z.strictObject({
        ephemeral: z.boolean(),
        directories: z.strictObject({ keys: z.string(), values: z.string() }),
        ttl: z.strictObject({ spans: duration }),
        consistency: z.boolean().optional(),
        maintenance_interval: duration.optional(),
        metrics_update_interval: duration.optional(),
        read_only: z.boolean().optional(),
      }),
    }),
  ),
  metric_backends: z.record(
    z.string(),
    z.strictObject({
      prometheus: z.strictObject({
        endpoint: z.string().regex(/https?:\/\//),
        metric_namespace: z.string(),
        latency_unit: z.enum(['ms', 's']),
        normalize_calls: z.boolean(),
        normalize_duration: z.boolean(),
        connect_timeout: duration.optional(),
        extra_query_parameters: unused,
        token_file_path: unused,
        token_override_from_context: unused,
        tls: unused,
        auth: unused,
      }),
    }),
  ),
});

const jaegerQuery = z.strictObject({
  storage: z.strictObject({
    traces: z.string(),
    metrics: z.string().optional(),
    traces_archive: z.string().optional(),
  }),
  http: server,
  grpc: server,
  base_path: unused,
  bearer_token_propagation: unused,
  enable_tracing: unused,
  max_clock_skew_adjust: duration.optional(),
  multi_tenancy: unused,
  ui: z.strictObject({ config_file: unused, assets_path: unused, log_access: unused }).optional(),
});

const spanMetrics = z.strictObject({
  namespace: z.string(),
  metrics_flush_interval: duration,
  metrics_expiration: duration.optional(),
  aggregation_cardinality_limit: count,
  aggregation_temporality: unused,
  add_resource_attributes: unused,
  calls_dimensions: unused,
  dimensions: unused,
  events: unused,
  // By the others Jaeger asks for them.
  exclude_dimensions: z.array(z.literal('collector.instance.id')).optional(),
  exemplars: unused,
  include_instrumentation_scope: unused,
  metric_timestamp_cache_size: unused,
  resource_metrics_cache_size: unused,
  resource_metrics_key_attributes: texts.optional(),
  histogram: z.strictObject({
    unit: z.enum(['ms', 's']),
    disable: unused,
    dimensions: unused,
    explicit: z.strictObject({ buckets: z.array(duration) }),
  }),
});

/** By the kind of component and the part of its name before the slash. */
export const componentShapes: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  receivers: {
    otlp: z.strictObject({ protocols: z.strictObject({ grpc: server, http: server }) }),
  },
  processors: {
    // One that batches nothing in particular has no settings of its own.
    batch: nothing,
    memory_limiter: z.strictObject({
      check_interval: duration,
      limit_percentage: percentage,
      spike_limit_percentage: percentage,
      limit_mib: unused,
      spike_limit_mib: unused,
      min_gc_interval_when_soft_limited: unused,
      min_gc_interval_when_hard_limited: unused,
    }),
    tail_sampling: tailSampling,
    redaction: z.strictObject({
      allow_all_keys: z.boolean(),
      allowed_keys: texts.optional(),
      allowed_values: patterns.optional(),
      blocked_key_patterns: patterns.optional(),
      blocked_values: patterns.optional(),
      ignored_keys: texts.optional(),
      ignored_key_patterns: patterns.optional(),
      redact_all_types: z.boolean().optional(),
      hash_function: unused,
      db_sanitizer: unused,
      url_sanitizer: unused,
      summary: z.enum(['debug', 'info', 'silent']).optional(),
    }),
  },
  exporters: {
    otlp_grpc: z.strictObject({ endpoint: z.string().regex(/^[\w.-]+:\d+$/), tls, ...sending }),
    otlp_http: z.strictObject({
      endpoint: z.url(),
      encoding: z.enum(['proto', 'json']).optional(),
      traces_endpoint: unused,
      metrics_endpoint: unused,
      logs_endpoint: unused,
      tls: unused,
      ...sending,
    }),
    prometheus: z.strictObject({
      endpoint: listenAddress,
      add_metric_suffixes: unused,
      const_labels: unused,
      enable_open_metrics: unused,
      metric_expiration: duration.optional(),
      namespace: unused,
      resource_to_telemetry_conversion: unused,
      send_timestamps: unused,
      translation_strategy: unused,
      without_scope_info: unused,
    }),
    jaeger_storage_exporter: z.strictObject({
      trace_storage: z.string(),
      queue: unused,
      retry_on_failure: unused,
    }),
  },
  connectors: { spanmetrics: spanMetrics },
  extensions: { jaeger_storage: jaegerStorage, jaeger_query: jaegerQuery },
};

/** What the collector itself takes beside its components. */
export const telemetryShape = z.strictObject({
  resource: z.record(z.string(), z.string()).optional(),
  logs: unused,
  traces: unused,
  metrics: z
    .strictObject({
      level: z.enum(['none', 'basic', 'normal', 'detailed']),
      readers: z.array(
        z.strictObject({
          pull: z.strictObject({
            exporter: z.strictObject({
              prometheus: z.strictObject({ host: z.string(), port: z.int() }),
            }),
          }),
        }),
      ),
    })
    .optional(),
});
