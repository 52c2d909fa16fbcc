import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Of an element that is brought into sight where it is what one was led to. */
export function useSight<Kind extends HTMLElement>(isWanted: boolean): RefObject<Kind | null> {
  const element = useRef<Kind>(null);
  useEffect(() => {
    if (isWanted) element.current?.scrollIntoView({ block: 'center' });
  }, [isWanted]);
  return element;
}
