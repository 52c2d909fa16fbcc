/**
 * Calls a listener of the app. What it throws is the app's mistake: it surfaces as any listener's does, and
 * the client goes on.
 */
export function tell<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
