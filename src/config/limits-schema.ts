import { defaultLimits, type LimitName, upstreamLimitNames } from '../limits.ts';
import { integer, section } from './section.ts';

/** A timer beyond this many milliseconds fires at once in Node. */
const timerMsMax = 2 ** 31 - 1;

function limit(name: LimitName) {
  return /Ms(Max)?$/.test(name)
    ? integer(1, timerMsMax, `a number of milliseconds from 1 to ${timerMsMax}`)
    : integer(1, Number.MAX_SAFE_INTEGER, 'an integer above 0');
}

const globalNames = Object.keys(defaultLimits) as LimitName[];

export const limitsSection = section(
  fromNames(globalNames, (name) => limit(name).default(defaultLimits[name])),
).refine((limits) => limits.requestHeadersTimeoutMs <= limits.requestTimeoutMs, {
  path: ['requestHeadersTimeoutMs'],
  error: 'at most requestTimeoutMs, which includes it',
});
export const upstreamLimitsSection = section(fromNames(upstreamLimitNames, (name) => limit(name).optional()));

function fromNames<Name extends string, Value>(names: readonly Name[], value: (name: Name) => Value) {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, Value>;
}
