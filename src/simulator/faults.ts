/**
 * What a model's name makes the simulator do: `sim-truncate-3` breaks the stream off after its third token.
 * Without a number the row's `fallback` counts. Every other name is a model that works.
 */
interface FaultRow {
  /** What the number at the end of the name means, if it takes one. */
  readonly argument?: 'status' | 'milliseconds' | 'tokens';
  readonly fallback?: number;
  /** What happens, to a stream and (after the semicolon) to a whole reply. */
  readonly effect: string;
}

const table = {
  'sim-status': row(
    'Answers with this status and an error in the shape of the API; 429 with retry-after.',
    'status',
    500,
  ),
  'sim-slow-start': row('Sends the head only after so many milliseconds.', 'milliseconds', 1_000),
  'sim-slow-token': row(
    'Sends one token every so many milliseconds; whole: waits as long in all.',
    'milliseconds',
    250,
  ),
  'sim-tokens': row('Answers with exactly so many tokens of text.', 'tokens', 100),
  'sim-truncate': row(
    'Destroys the connection after token N; whole: in the middle of the body.',
    'tokens',
    3,
  ),
  'sim-stall': row('Falls silent for ever after token N; whole: in the middle of the body.', 'tokens', 3),
  'sim-never-ends': row(
    'Sends all but the terminal event and keeps the reply open; whole: all bytes, never the end.',
  ),
  'sim-clean-cut': row(
    'Ends the reply properly after token N, without the terminal event; whole: in the middle of the body.',
    'tokens',
    3,
  ),
  'sim-error-event': row(
    "Sends the API's error event after token N and ends; whole: status 500.",
    'tokens',
    3,
  ),
  'sim-malformed-sse': row('Sends garbage and broken JSON among the right events; whole: broken JSON.'),
  'sim-garbage': row('Sends bytes that are not HTTP, and closes.'),
  'sim-close': row('Closes the connection with no reply.'),
  'sim-no-head': row('Never sends a head.'),
  'sim-crlf': row(
    'Correct stream with CRLF line ends, comments and data over several lines; whole: no effect.',
  ),
  'sim-gzip': row('Compresses the reply, if the client accepts it, as the header x-simulator-encoding does.'),
  'sim-deflate': row('The same with deflate.'),
  'sim-br': row('The same with Brotli.'),
  'sim-zstd': row('The same with Zstandard.'),
} as const satisfies Record<string, FaultRow>;

function row(effect: string, argument?: FaultRow['argument'], fallback?: number): FaultRow {
  return { effect, ...(argument && { argument }), ...(fallback !== undefined && { fallback }) };
}

export type FaultName = keyof typeof table;
export const faultTable: Readonly<Record<FaultName, FaultRow>> = table;

export interface Fault {
  readonly name: FaultName;
  /** 0 where the fault takes no number. */
  readonly argument: number;
}

/** How the README and an error write it: `sim-truncate-N`. */
export function faultPattern(name: FaultName): string {
  const { argument } = faultTable[name];
  return argument === undefined
    ? name
    : `${name}-${{ status: 'NNN', milliseconds: 'MS', tokens: 'N' }[argument]}`;
}

export function faultOf(model: string): Fault | undefined {
  const [, name = '', digits] = /^(sim-[a-z]+(?:-[a-z]+)*)(?:-(\d{1,7}))?$/.exec(model) ?? [];
  if (!isFaultName(name)) return undefined;
  const { argument: meaning, fallback = 0 } = faultTable[name];
  if (meaning === undefined) return digits === undefined ? { name, argument: 0 } : undefined;
  const argument = digits === undefined ? fallback : Number(digits);
  if (meaning === 'status' && (argument < 400 || argument > 599)) return undefined;
  return { name, argument };
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(table, name);
}
