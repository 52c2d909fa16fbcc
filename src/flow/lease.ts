import type { Passage } from '../middleware/passage.ts';

/**
 * Keeps a generation of plugins alive: taken when an exchange begins with it, given back once, when the
 * exchange has ended and none of its middleware runs or has still to be told of its end. What has missed its
 * deadline is not waited for. Neither call may throw.
 */
export interface Lease {
  acquire(): void;
  release(): void;
}

/** Middleware can be at work longer than its exchange: the client has what it gets, or has gone. */
export function releaseWhenLeft(lease: Lease | undefined, passage: Passage | undefined): void {
  if (!lease) return;
  if (passage) void passage.left().then(() => lease.release());
  else lease.release();
}
