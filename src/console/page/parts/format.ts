/*
 * Figures as people read them. What is unknown, or no number, is an en dash. Thin no-break spaces between figure and
 * unit would look better, but nobody could search for them: plain no-break ones.
 */

const unknown = '–';
const gap = '\u00a0';

type Figure = number | undefined;

/** `0.42 ms`, `320 ms`, `1.7 s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`. */
export function duration(ms: Figure): string {
  if (!isKnown(ms)) return unknown;
  const size = Math.max(0, ms);
  if (size === 0) return `0${gap}ms`;
  if (size < 9.95) return `${trimmed(size, size < 0.995 ? 2 : 1)}${gap}ms`;
  if (size < 999.5) return `${Math.round(size)}${gap}ms`;
  if (size < 9_950) return `${(size / 1_000).toFixed(1)}${gap}s`;
  if (size < 59_500) return `${trimmed(size / 1_000, 1)}${gap}s`;
  return inTwo(Math.round(size / 1_000));
}

const steps = [
  { unit: 'd', seconds: 86_400, next: 'h', nextSeconds: 3_600 },
  { unit: 'h', seconds: 3_600, next: 'min', nextSeconds: 60 },
  { unit: 'min', seconds: 60, next: 's', nextSeconds: 1 },
] as const;

/** In its two largest units. */
function inTwo(seconds: number): string {
  const step = steps.find((candidate) => seconds >= candidate.seconds) ?? steps[2];
  const many = Math.floor(seconds / step.seconds);
  const rest = Math.floor((seconds - many * step.seconds) / step.nextSeconds);
  const first = `${many}${gap}${step.unit}`;
  return rest > 0 ? `${first} ${rest}${gap}${step.next}` : first;
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345`. */
export function count(n: Figure): string {
  return isKnown(n) ? whole.format(n) : unknown;
}

/** `1 turn`, `3 turns`. */
export function counted(n: number, one: string, several = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : several}`;
}

/** `950`, `12.3k`, `4.2M`. */
export function compact(n: Figure): string {
  return isKnown(n) ? scaled(n, 1_000, ['', 'k', 'M', 'G', 'T']) : unknown;
}

/** `512 B`, `4.2 MB`; a MB is 1,000,000 bytes. */
export function bytes(n: Figure): string {
  return isKnown(n) ? scaled(n, 1_000, [' B', ' kB', ' MB', ' GB', ' TB']).replace(' ', gap) : unknown;
}

/** Of a ratio from 0 to 1: `0%`, `<0.1%`, `2.5%`, `100%`. Only what is all of it is 100%. */
export function percent(ratio: Figure): string {
  if (!isKnown(ratio)) return unknown;
  const value = ratio * 100;
  if (value > 0 && value < 0.1) return '<0.1%';
  if (value < 100 && value > 99.9) return '>99.9%';
  return `${trimmed(value, Math.abs(value) < 99.95 ? 1 : 0)}%`;
}

/** Per second: `0.3/s`, `12.4/s`, `1.2k/s`. */
export function rate(perSecond: Figure): string {
  if (!isKnown(perSecond)) return unknown;
  if (perSecond > 0 && perSecond < 0.1) return '<0.1/s';
  return `${perSecond < 1_000 ? trimmed(perSecond, perSecond < 99.95 ? 1 : 0) : compact(perSecond)}/s`;
}

type Moment = number | string | undefined;

const timeOfDay = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** Local: `11:06:31.042`. */
export function clock(at: Moment): string {
  const ms = msOf(at);
  return ms === undefined ? unknown : timeOfDay.format(ms);
}

/** Local, to the second: `11:06:31`. */
export function timeOf(at: Moment): string {
  return clock(at).slice(0, 8);
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Local: `23 Nov 2026, 11:06:31.042`. */
export function dateAndClock(at: Moment): string {
  const ms = msOf(at);
  return ms === undefined ? unknown : `${day.format(ms)}, ${timeOfDay.format(ms)}`;
}

/** `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `4 d ago`; what is ahead is just now: clocks differ. */
export function ago(at: Moment, now: number): string {
  const ms = msOf(at);
  if (ms === undefined) return unknown;
  const seconds = Math.floor((now - ms) / 1_000);
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds}${gap}s ago`;
  const step = steps.find((candidate) => seconds >= candidate.seconds) ?? steps[2];
  return `${Math.floor(seconds / step.seconds)}${gap}${step.unit} ago`;
}

/** Beyond it no calendar goes (https://tc39.es/ecma262/#sec-timeclip), and formats of dates throw. */
const momentMsMax = 8.64e15;

function msOf(at: Moment): Figure {
  const ms = typeof at === 'string' ? Date.parse(at) : at;
  return isKnown(ms) && Math.abs(ms) <= momentMsMax ? ms : undefined;
}

function isKnown(n: Figure): n is number {
  return n !== undefined && Number.isFinite(n);
}

/** Three figures or so; it goes to the next unit before it would round to 1000 of this one. */
function scaled(n: number, base: number, units: readonly string[]): string {
  let size = n;
  let unit = 0;
  while (Math.abs(size) >= base * 0.9995 && unit < units.length - 1) {
    size /= base;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : Math.abs(size) < 99.95 ? 1 : 0;
  return `${trimmed(size, digits)}${units[unit] ?? ''}`;
}

/** Without zeros at its end. */
function trimmed(n: number, digits: number): string {
  return String(Number(n.toFixed(digits)));
}
