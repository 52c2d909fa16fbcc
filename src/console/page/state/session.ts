import { type Signal, signal } from '@preact/signals';

/** The service asks for its token: nothing is shown until it has got it. */
export const isLocked: Signal<boolean> = signal(false);
