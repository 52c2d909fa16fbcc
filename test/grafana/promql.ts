import { parser } from '@prometheus-io/lezer-promql';
import { metric, tagPrefix } from '../../src/telemetry/names.ts';
import { labelName, type MetricKind, metricName } from '../../src/telemetry/prometheus-names.ts';
import { knownLabels } from '../support/promql.ts';

/** One metric in an expression. */
export interface Selected {
  readonly name: string;
  /** Names of labels with their matchers: `job` → `=~"$job"`. */
  readonly matchers: ReadonlyMap<string, string>;
  /** The function that it is given to as a range, and the range: `rate`, `5m`. */
  readonly over: { readonly function: string; readonly range: string } | undefined;
  /** It is only asked whether it is there: beside `unless`. */
  readonly isPresence: boolean;
}

export interface Parsed {
  readonly isValid: boolean;
  readonly selected: readonly Selected[];
  /** Labels that are named after `by`, `on` and the like. */
  readonly grouping: readonly string[];
}

/** Grafana's variables stand where PromQL has times: each gets one that nobody writes. */
const times: Readonly<Record<string, string>> = { $__rate_interval: '4001ms', $__range: '4002ms' };

export function parse(expression: string): Parsed {
  const text = Object.entries(times).reduce((rest, [name, time]) => rest.replaceAll(name, time), expression);
  const tree = parser.parse(text);
  const selected: Selected[] = [];
  const grouping: string[] = [];
  let isValid = text.trim() !== '';
  tree.iterate({
    enter({ type, node, from, to }) {
      if (type.isError) isValid = false;
      if (type.name === 'VectorSelector') selected.push(selectorAt(node, text));
      if (type.name === 'LabelName' && node.parent?.name === 'GroupingLabels')
        grouping.push(text.slice(from, to));
    },
  });
  return { isValid, selected, grouping };
}

type Node = ReturnType<typeof parser.parse>['topNode'];

function selectorAt(node: Node, text: string): Selected {
  const read = (child: Node | null | undefined) => (child ? text.slice(child.from, child.to) : '');
  const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(
    (matcher): [string, string] => [
      read(matcher.getChild('LabelName')),
      read(matcher.getChild('MatchOp')) + read(matcher.getChild('StringLiteral')),
    ],
  );
  const range = node.parent?.name === 'MatrixSelector' ? node.parent : undefined;
  return {
    name: read(node.getChild('Identifier')),
    matchers: new Map(matchers),
    isPresence: isBesideUnless(node),
    over: range && {
      function: read(range.parent?.parent?.getChild('FunctionIdentifier')),
      range: withVariables(read(range.getChild('DurationExpr') ?? range.lastChild).replace(/[[\]]/g, '')),
    },
  };
}

/** Also with its `offset`, and in parentheses. */
function isBesideUnless(node: Node): boolean {
  for (let at = node.parent; at !== null; at = at.parent) {
    if (at.name === 'BinaryExpr') return at.getChild('Unless') !== null;
    if (at.name !== 'OffsetExpr' && at.name !== 'ParenExpr') return false;
  }
  return false;
}

function withVariables(time: string): string {
  return Object.entries(times).find(([, stand]) => stand === time)?.[0] ?? time;
}

/** What else than the metrics of the table is there: of the SDK, and of Prometheus itself. */
const others: Readonly<Record<string, MetricKind>> = {
  target_info: 'gauge',
  ALERTS: 'gauge',
  otel_sdk_processor_span_queue_size: 'up_down_counter',
  otel_sdk_processor_span_queue_capacity: 'up_down_counter',
};

const kinds: ReadonlyMap<string, MetricKind> = new Map([
  ...Object.values(metric).map((row): [string, MetricKind] => [
    metricName(row.name, row.unit, row.kind),
    row.kind,
  ]),
  ...Object.entries(others),
]);

/** How the metric is named and used: as its kind is, or not at all. */
export function metricProblem({ name, over, isPresence }: Selected): string | undefined {
  const kind = kinds.get(name);
  if (kind === 'counter')
    return over || isPresence ? undefined : `the counter ${name} is looked at without its rate`;
  if (kind === 'histogram') return `${name} is a histogram: _bucket, _sum or _count`;
  if (kind !== undefined) return over ? `${name} is no counter, and has no ${over.function}` : undefined;
  const [, family = '', suffix] = /^(.*)(_bucket|_sum|_count)$/.exec(name) ?? [];
  if (suffix === undefined || kinds.get(family) !== 'histogram') return `there is no metric ${name}`;
  return over || isPresence ? undefined : `${name} is looked at without its rate`;
}

const labels: ReadonlySet<string> = new Set([
  ...knownLabels,
  labelName(`${tagPrefix}tenant`),
  // Of Prometheus's alerts, and of what it makes of a resource.
  ...['alertname', 'alertstate'],
  ...['service.version', 'process.runtime.version', 'host.name', 'process.pid'].map(labelName),
]);

export function unknownLabels({ selected, grouping }: Parsed): string[] {
  const used = [...selected.flatMap(({ matchers }) => [...matchers.keys()]), ...grouping];
  return used.filter((label) => !labels.has(label));
}
