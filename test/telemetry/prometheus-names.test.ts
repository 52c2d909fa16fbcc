import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metric } from '../../src/telemetry/names.ts';
import { labelName, type MetricKind, metricName, unitName } from '../../src/telemetry/prometheus-names.ts';

/** As Prometheus's own translator has them in its tests. https://github.com/prometheus/otlptranslator */
const cases: readonly [name: string, unit: string, kind: MetricKind, expected: string][] = [
  ['http.server.request.duration', 's', 'histogram', 'http_server_request_duration_seconds'],
  ['system.io', 'By', 'counter', 'system_io_bytes_total'],
  ['system.io', 'By', 'gauge', 'system_io_bytes'],
  ['memory.usage', 'KiBy', 'up_down_counter', 'memory_usage_kibibytes'],
  ['system.network.dropped', '{packets}', 'counter', 'system_network_dropped_total'],
  ['system.network.dropped', '{packets}', 'gauge', 'system_network_dropped'],
  ['hw.fan.speed_limit', '%', 'gauge', 'hw_fan_speed_limit_percent'],
  ['queue.lag', 'ms', 'gauge', 'queue_lag_milliseconds'],
  ['io.rate', 'By/s', 'gauge', 'io_rate_bytes_per_second'],
  ['broken.rate', '{objects}/s', 'gauge', 'broken_rate_per_second'],
  ['io.rate', 'By/{object}', 'gauge', 'io_rate_bytes'],
  // An unknown unit keeps its name, without what a name cannot have.
  ['queue.length', 'requests', 'gauge', 'queue_length_requests'],
  ['signal.level', 'mm:Hg', 'gauge', 'signal_level_mm:Hg'],
  ['signal.level', 'm[H2O]', 'gauge', 'signal_level_m_H2O'],
  // The unit 1 is a ratio only where it can be one.
  ['cpu.utilization', '1', 'gauge', 'cpu_utilization_ratio'],
  ['cpu.ratio.used', '1', 'gauge', 'cpu_used_ratio'],
  ['nodejs.eventloop.utilization', '1', 'gauge', 'nodejs_eventloop_utilization_ratio'],
  ['sightline.process.cpu.limit', '{cpu}', 'gauge', 'sightline_process_cpu_limit'],
  ['process.cpu.time', 's', 'counter', 'process_cpu_time_seconds_total'],
  ['rate', '1/s', 'gauge', 'rate_per_second'],
  ['rate', '1/s', 'counter', 'rate_per_second_total'],
  ['custom_metric', 'unit@with#special/chars', 'gauge', 'custom_metric_unit_with_special_per_chars'],
  ['active', '1', 'up_down_counter', 'active'],
  ['requests', '1', 'counter', 'requests_total'],
  ['requests', '1', 'histogram', 'requests'],
  // What the name says already is not said twice.
  ['system.uptime.seconds', 's', 'gauge', 'system_uptime_seconds'],
  ['requests.total', '', 'counter', 'requests_total'],
  ['total.requests', '', 'counter', 'requests_total'],
  ['process.total', '', 'gauge', 'process_total'],
  // What a name cannot have.
  ['2xx.replies', '', 'gauge', '_2xx_replies'],
  ['2xx.replies', '{reply}', 'counter', '_2xx_replies_total'],
  ['a--b..c__d/e', '', 'gauge', 'a_b_c_d_e'],
];

for (const [name, unit, kind, expected] of cases) {
  test(`a ${kind} '${name}' in '${unit}' is ${expected}`, () => {
    assert.equal(metricName(name, unit, kind), expected);
  });
}

test('a unit has the name that metrics end in', () => {
  const units = ['s', 'By/s', '1', '{token}', '', '%', 'm[H2O]'];
  assert.deepEqual(
    units.map((unit) => unitName(unit, 'gauge')),
    ['seconds', 'bytes_per_second', 'ratio', '', '', 'percent', 'm_H2O'],
  );
  assert.equal(unitName('1', 'counter'), '');
});

test('labels keep what a label may have, and begin with a letter', () => {
  const names = [
    'http.request.method',
    'sightline.tag.team-name',
    '1st',
    '_private',
    '__reserved__',
    'a:b',
    '🙂x',
  ];
  assert.deepEqual(names.map(labelName), [
    'http_request_method',
    'sightline_tag_team_name',
    'key_1st',
    'key_private',
    '__reserved__',
    'a_b',
    'key_x',
  ]);
});

test('every metric of ours has a name of its own in Prometheus', () => {
  const names = Object.values(metric).map(({ name, unit, kind }) => metricName(name, unit, kind));
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(names.toSorted(), [
    'gen_ai_client_operation_duration_seconds',
    'gen_ai_client_operation_time_per_output_chunk_seconds',
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    'gen_ai_client_token_usage',
    'http_server_active_requests',
    'http_server_request_duration_seconds',
    'nodejs_eventloop_delay_p99_seconds',
    'nodejs_eventloop_utilization_ratio',
    'process_cpu_time_seconds_total',
    'process_memory_usage_bytes',
    'process_uptime_seconds',
    'sightline_alert_firing',
    'sightline_alert_notifications_total',
    'sightline_exchange_outcomes_total',
    'sightline_hook_errors_total',
    'sightline_listener_rejections_total',
    'sightline_message_handled_total',
    'sightline_middleware_duration_seconds',
    'sightline_overhead_duration_seconds',
    'sightline_plugin_breakers_open',
    'sightline_plugin_changes_total',
    'sightline_plugin_duration_seconds',
    'sightline_plugin_leaks_total',
    'sightline_plugin_rejected',
    'sightline_plugin_stray_errors_total',
    'sightline_plugins',
    'sightline_process_cpu_capacity',
    'sightline_process_cpu_limit',
    'sightline_reply_unobserved_total',
    'sightline_session_active',
    'sightline_session_bytes_total',
    'sightline_session_duration_seconds',
    'sightline_session_messages_total',
    'sightline_session_refused_messages_total',
    'sightline_session_refused_total',
    'sightline_telemetry_dropped_total',
    'sightline_token_details_total',
    'sightline_upstream_certificate_remaining_seconds',
    'sightline_upstream_connects_total',
    'sightline_upstream_up',
    'v8js_gc_duration_seconds',
    'v8js_memory_heap_used_bytes',
  ]);
});
