/**
 * How an exchange ended: exactly one of these, on its span, on its metrics and in its log record.
 */
export const outcomes = [
  /** The reply reached the client whole, or the client left after the terminal event. */
  'completed',
  /** The client hung up before the reply was complete. */
  'client_aborted',
  /** The upstream answered, with an error status or an error event. */
  'upstream_error',
  /** The reply broke off before its end. */
  'upstream_truncated',
  /** No reply came: no address, no connection, or a connection that died before the reply's head. */
  'upstream_unreachable',
  /** A deadline of ours ran out. */
  'timed_out',
  /** Refused here: by a middleware or by a limit. */
  'blocked',
  /** Our own fault. */
  'failed',
] as const;

export type Outcome = (typeof outcomes)[number];
