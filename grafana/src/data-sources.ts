import { errorOutcomes } from '../../src/exchange/outcome.ts';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { labelName, metricName } from '../../src/telemetry/prometheus-names.ts';
import { oneOf } from './parts/promql.ts';

const { operationDuration, timeToFirstChunk } = metric;

/** The file of data sources for Grafana's provisioning, which asks our metrics about the spans of Jaeger. */
export function dataSources(): string {
  return `# Generated from grafana/src/data-sources.ts by "npm run generate": it has names of metrics in it.
apiVersion: 1

# Those that were here and are in this file no more go away.
prune: true

datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: http://prometheus:9090
    isDefault: true
    editable: false
    jsonData:
      httpMethod: POST
      prometheusType: Prometheus
      prometheusVersion: 3.0.0
      # scrape_interval of otel/prometheus.yml: $__rate_interval is four of them.
      timeInterval: 5s
      # Its rules are shown under Alerting, and silenced in the Alertmanager.
      manageAlerts: true
      alertmanagerUid: alertmanager
      # A mark on a panel leads to its trace.
      exemplarTraceIdDestinations:
        - name: trace_id
          datasourceUid: jaeger
          urlDisplayLabel: Look at its trace

  - name: Jaeger
    uid: jaeger
    type: jaeger
    access: proxy
    url: http://jaeger:16686
    editable: false
    jsonData:
      nodeGraph:
        enabled: true
      # A span leads to the metrics of its upstream and model. Grafana reads $ in this file itself; $$ is one.
      tracesToMetrics:
        datasourceUid: prometheus
        spanStartTimeShift: -15m
        spanEndTimeShift: 15m
        tags:
${[attribute.upstream, attribute.genAiRequestModel].map(tag).join('\n')}
        queries:
${spanQueries.map(query).join('\n')}

  - name: Alertmanager
    uid: alertmanager
    type: alertmanager
    access: proxy
    url: http://alertmanager:9093
    editable: false
    jsonData:
      implementation: prometheus
      # Alerts that somebody makes in Grafana get there by the contact point of alerting/: not twice.
      handleGrafanaManagedAlerts: false
`;
}

/** What is asked of the metrics around a span; `$__tags` are those of its tags that are named. */
const spanQueries: readonly { readonly name: string; readonly promql: string }[] = [
  { name: 'Attempts a second', promql: `sum (${rate(operationDuration, '_count')})` },
  {
    name: 'Share of errors',
    promql: `sum (${rate(operationDuration, '_count', `${labelName(attribute.outcome)}${oneOf(errorOutcomes)}, `)}) / sum (${rate(operationDuration, '_count')})`,
  },
  { name: 'Duration p95', promql: p95(operationDuration) },
  { name: 'First token p95', promql: p95(timeToFirstChunk) },
];

type Histogram = typeof operationDuration | typeof timeToFirstChunk;

function p95(row: Histogram): string {
  return `histogram_quantile(0.95, sum by (le) (${rate(row, '_bucket')}))`;
}

/** The tags come last: a span has none of them, and PromQL takes a comma at the end, but not at the beginning. */
function rate({ name, unit, kind }: Histogram, suffix: string, matchers = ''): string {
  return `rate(${metricName(name, unit, kind)}${suffix}{${matchers}$__tags}[$__rate_interval])`;
}

function tag(key: string): string {
  return `          - key: ${key}\n            value: ${labelName(key)}`;
}

function query({ name, promql }: (typeof spanQueries)[number]): string {
  return `          - name: ${name}\n            query: '${promql.replaceAll('$', '$$$$')}'`;
}
