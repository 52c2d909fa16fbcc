import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { nearest } from '../../config/suggestion.ts';
import type { Environment } from './exporters.ts';
import { numberVariables, positive } from './numbers.ts';
import { otlpVariables, standardNames } from './standard-names.ts';

/**
 * What the SDK would pass over without a word. The specification wants a warning, and that the value is ignored.
 * https://opentelemetry.io/docs/specs/otel/configuration/common/
 */
export function unusableVariables(env: Environment): string[] {
  return [...numbers(env), ...sampler(env), ...headers(env), ...isDisabled(env), ...names(env)];
}

function numbers(env: Environment): string[] {
  return numberVariables
    .filter((variable) => env[variable]?.trim() && positive(env, variable) === undefined)
    .map((variable) => `${variable}: '${env[variable]?.trim()}' cannot be used; the default holds`);
}

const samplers = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [name, `parentbased_${name}`]);

function sampler(env: Environment): string[] {
  const name = env.OTEL_TRACES_SAMPLER;
  if (!name?.trim()) return [];
  if (!samplers.includes(name)) {
    const expected = `expected one of ${samplers.join(', ')}`;
    return [`OTEL_TRACES_SAMPLER: '${name}' is not known; ${expected}. parentbased_always_on holds`];
  }
  const ratio = env.OTEL_TRACES_SAMPLER_ARG?.trim();
  if (!ratio || !name.endsWith('traceidratio') || (Number(ratio) >= 0 && Number(ratio) <= 1)) return [];
  return [`OTEL_TRACES_SAMPLER_ARG: '${ratio}' cannot be used; expected a ratio from 0 to 1. 1 holds`];
}

/** Their values are secrets, and so may be what lacks a key. */
function headers(env: Environment): string[] {
  return otlpVariables('HEADERS').flatMap((variable) => {
    const pairs = env[variable]?.split(',') ?? [];
    const ignored = pairs.filter((pair) => pair.trim() && !isHeader(pair)).length;
    if (ignored === 0) return [];
    const expected = 'expected key=value pairs with commas between them, percent-encoded';
    return [
      `${variable}: ${ignored} of ${pairs.length} cannot be used and ${ignored === 1 ? 'is' : 'are'} not sent; ${expected}`,
    ];
  });
}

/** As the exporters read it. */
function isHeader(pair: string): boolean {
  return Object.keys(parseKeyPairsIntoRecord(pair)).length > 0;
}

function isDisabled(env: Environment): string[] {
  const value = env.OTEL_SDK_DISABLED?.trim();
  if (!value || value.toLowerCase() === 'false') return [];
  return [`OTEL_SDK_DISABLED: '${value}' does not disable anything; expected true, or false`];
}

/** Other programs' variables are none of ours, so only what is all but the name of a known one. */
function names(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('OTEL_') && env[name] && !standardNames.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, standardNames, 2);
      return meant ? [`${name} is not known; did you mean ${meant}?`] : [];
    });
}
