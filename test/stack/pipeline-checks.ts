import { referenceProblems } from './references.ts';

/*
 * Configurations of the OpenTelemetry Collector, which Jaeger 2 is built on: everything that a pipeline names
 * is there, and everything that is there is named.
 */

const kinds = ['receivers', 'processors', 'exporters'] as const;

interface Pipeline {
  readonly receivers?: readonly string[];
  readonly processors?: readonly string[];
  readonly exporters?: readonly string[];
}

type Components = Readonly<Record<string, unknown>>;

export interface CollectorConfig {
  readonly receivers?: Components;
  readonly processors?: Components;
  readonly exporters?: Components;
  readonly connectors?: Components;
  readonly extensions?: Components;
  readonly service: {
    readonly extensions?: readonly string[];
    readonly pipelines: Readonly<Record<string, Pipeline>>;
  };
}

export function pipelineProblems(config: CollectorConfig): string[] {
  const pipelines = Object.entries(config.service.pipelines);
  return [
    ...pipelines.flatMap(([name, pipeline]) => shapeProblems(name, pipeline)),
    ...kinds.flatMap((kind) => kindProblems(config, kind)),
    ...connectorProblems(config),
    ...referenceProblems('extensions', config.service.extensions ?? [], Object.keys(config.extensions ?? {})),
  ];
}

function shapeProblems(name: string, { receivers = [], processors = [], exporters = [] }: Pipeline) {
  const isLimiting = (one: string) => one.split('/')[0] === 'memory_limiter';
  return [
    ...(receivers.length === 0 ? [`${name}: nothing is received`] : []),
    ...(exporters.length === 0 ? [`${name}: nothing is sent on`] : []),
    ...(processors.findIndex(isLimiting) > 0 ? [`${name}: memory_limiter is not the first processor`] : []),
  ];
}

/** A connector is an exporter of one pipeline and a receiver of another. */
function kindProblems(config: CollectorConfig, kind: (typeof kinds)[number]): string[] {
  const connectors = kind === 'processors' ? [] : Object.keys(config.connectors ?? {});
  const used = Object.values(config.service.pipelines).flatMap((pipeline) => pipeline[kind] ?? []);
  const own = used.filter((name) => !connectors.includes(name));
  return referenceProblems(kind, own, Object.keys(config[kind] ?? {}));
}

function connectorProblems({ connectors = {}, service }: CollectorConfig): string[] {
  const pipelines = Object.values(service.pipelines);
  return Object.keys(connectors).flatMap((name) => [
    ...(pipelines.some(({ exporters = [] }) => exporters.includes(name))
      ? []
      : [`connectors: '${name}' is sent nothing`]),
    ...(pipelines.some(({ receivers = [] }) => receivers.includes(name))
      ? []
      : [`connectors: '${name}' is received by nobody`]),
  ]);
}
