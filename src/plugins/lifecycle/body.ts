import type { MessageType } from '../../messages/message-type.ts';
import type { HookRegistration, MiddlewareRegistration } from '../registrations.ts';

/** What an initialized version runs as: code in this process, or in a worker. */
export interface Body {
  readonly middleware: readonly MiddlewareRegistration[];
  readonly hooks: readonly HookRegistration[];
  readonly messageTypes: readonly MessageType[];
  /** What `use` gives to dependents. */
  readonly api: unknown;
  /** Gone when nothing holds the version's code any more; undefined where that is not to be seen from here. */
  readonly life: WeakRef<object> | undefined;
  /** Threads that had to be ended and started again. */
  readonly restarts: number;
  /** Was it thrown by the plugin's code? */
  hasThrown(error: unknown): boolean;
  /** Stack frames in the plugin's own source. */
  frames(error: Error): string;
  /**
   * Aborts the signal, runs `cleanup` within its deadline, and takes away what the code had registered, also
   * where `cleanup` fails. Idempotent. Resolves with what `cleanup` threw, if it did; never rejects.
   */
  stop(): Promise<unknown>;
}
