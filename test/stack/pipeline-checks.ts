import type { z } from 'zod';
import { componentShapes, telemetryShape } from './component-shapes.ts';
import { referenceProblems } from './references.ts';

/*
 * Configurations of the OpenTelemetry Collector, which Jaeger 2 is built on: everything that a pipeline names
 * is there, everything that is there is named, and has settings that it takes.
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
    readonly telemetry?: unknown;
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

/** Keys and values that a component does not take, and components that nobody knows. */
export function settingProblems(config: CollectorConfig): string[] {
  const components = Object.entries(componentShapes).flatMap(([kind, shapes]) =>
    Object.entries(config[kind as keyof typeof config] ?? {}).flatMap(([name, settings]) => {
      const shape = shapes[name.split('/')[0] ?? ''];
      if (!shape) return [`${kind}: nobody knows the component '${name}'`];
      return shapeIssues(`${kind}.${name}`, shape, settings);
    }),
  );
  return [
    ...components,
    ...shapeIssues('service.telemetry', telemetryShape.optional(), config.service.telemetry),
  ];
}

function shapeIssues(path: string, shape: z.ZodType, settings: unknown): string[] {
  const { error } = shape.safeParse(settings);
  return (error?.issues ?? []).flatMap((issue) => describe(path, issue));
}

/** Of the ways in which something can be right, that is told which comes nearest. */
function describe(path: string, issue: z.core.$ZodIssue): string[] {
  const place = [path, ...issue.path.map(String)].join('.');
  if (issue.code !== 'invalid_union') return [`${place}: ${issue.message}`];
  const nearest = issue.errors.toSorted((one, other) => one.length - other.length)[0] ?? [];
  return nearest.flatMap((one) => describe(place, one));
}
