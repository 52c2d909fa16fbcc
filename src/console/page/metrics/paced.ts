import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';

/** What a signal says, but never more often than once in so many ms: for what takes long to draw. */
export function usePaced<Value>(source: ReadonlySignal<Value>, ms: number): Value {
  const [value, setValue] = useState(source.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let tookAt = Number.NEGATIVE_INFINITY;
    const take = () => {
      timer = undefined;
      tookAt = performance.now();
      setValue(() => source.peek());
    };
    const unsubscribe = source.subscribe(() => {
      timer ??= setTimeout(take, Math.max(0, tookAt + ms - performance.now()));
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [source, ms]);
  return value;
}
