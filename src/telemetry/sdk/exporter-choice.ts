import type { Problem } from '../../config/problems.ts';
import type { Environment } from './exporters.ts';

type OtlpSignal = 'TRACES' | 'METRICS' | 'LOGS';

/** `OTEL_EXPORTER_OTLP_PROTOCOL`. */
export type OtlpProtocol = (typeof protocols)[number];

/** An exporter that a variable names; nothing of it is loaded. */
export type ExporterChoice =
  | { readonly name: 'console' }
  | { readonly name: 'otlp'; readonly protocol: OtlpProtocol };

const protocols = ['http/json', 'http/protobuf', 'grpc'] as const;
const exporterNames = ['otlp', 'console', 'none'];

/** Standard output has every line of the log, and `/metrics` is always there. */
const defaultNames: Readonly<Record<OtlpSignal, string>> = { TRACES: 'otlp', METRICS: 'none', LOGS: 'none' };

/**
 * The exporters that `OTEL_TRACES_EXPORTER` and the like name: `otlp`, `console`, `none`, or several. What is wrong
 * goes to `problems`.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function exporterChoices(
  signal: OtlpSignal,
  env: Environment,
  problems: Problem[],
): readonly ExporterChoice[] {
  const variable = `OTEL_${signal}_EXPORTER`;
  const list = env[variable]?.trim() || defaultNames[signal];
  const names = new Set(list.split(',').map((name) => name.trim()));
  for (const name of names) {
    if (!exporterNames.includes(name)) problems.push(unknownValue(variable, name, exporterNames));
  }
  if (names.has('none')) return [];
  return [...names].flatMap((name): ExporterChoice[] => {
    if (name === 'console') return [{ name }];
    return name === 'otlp' ? [otlpChoice(signal, env, problems)] : [];
  });
}

function otlpChoice(signal: OtlpSignal, env: Environment, problems: Problem[]): ExporterChoice {
  const own = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
  const variable = env[own] ? own : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const value = env[variable]?.trim() || 'http/json';
  const protocol = protocols.find((one) => one === value);
  if (!protocol) problems.push(unknownValue(variable, value, protocols));
  // Over gRPC it may be a mere `host:port`.
  if (protocol !== 'grpc') checkEndpoint(signal, env, problems);
  if (signal === 'METRICS') checkTemporality(env, problems);
  return { name: 'otlp', protocol: protocol ?? 'http/json' };
}

/** The exporter would go on without a word, to where collectors usually are. An address may have a password in it. */
function checkEndpoint(signal: OtlpSignal, env: Environment, problems: Problem[]): void {
  const variables = [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  const variable = variables.find((name) => env[name]?.trim());
  if (variable === undefined) return;
  const { protocol = '' } = URL.parse(env[variable]?.trim() ?? '') ?? {};
  if (/^https?:$/.test(protocol)) return;
  problems.push({ source: variable, offset: -1, text: 'it has to be an address: http://… or https://…' });
}

/** The exporter would go on without a word, with sums where differences are waited for. */
function checkTemporality(env: Environment, problems: Problem[]): void {
  const variable = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';
  const known = ['cumulative', 'delta', 'lowmemory'];
  const value = env[variable]?.trim();
  if (value && !known.includes(value.toLowerCase())) problems.push(unknownValue(variable, value, known));
}

function unknownValue(variable: string, value: string, expected: readonly string[]): Problem {
  return {
    source: variable,
    offset: -1,
    text: `'${value}' is not known; expected one of ${expected.join(', ')}`,
  };
}
