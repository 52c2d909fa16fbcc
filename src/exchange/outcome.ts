/**
 * How an exchange ended: exactly one of these, on its spans, on its metrics and in its log record. Each with
 * its meaning, for people.
 */
export const outcomes = {
  completed: 'The reply reached the client whole, or the client left after the terminal event, as SDKs do.',
  client_aborted: 'The client hung up before the reply was complete.',
  upstream_error: 'The upstream answered with an error: a status, an error event in the stream, or garbage.',
  upstream_truncated: 'The reply broke off before its end.',
  upstream_unreachable: 'No reply came: no address, no connection, or one that died before the head.',
  timed_out: 'A deadline of ours ran out.',
  blocked: 'Refused here, by a middleware or by a limit.',
  failed: 'Our own fault.',
} as const;

export type Outcome = keyof typeof outcomes;

/** What counts as an error: neither completed, nor left by the client, nor refused here. */
export const errorOutcomes = [
  'upstream_error',
  'upstream_truncated',
  'upstream_unreachable',
  'timed_out',
  'failed',
] as const satisfies readonly Outcome[];

export function isError(outcome: Outcome): boolean {
  return (errorOutcomes as readonly Outcome[]).includes(outcome);
}
