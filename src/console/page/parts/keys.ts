import { useEffect, useRef } from 'preact/hooks';
import { KeyBindings, type KeyMap } from './key-bindings.ts';

export type { KeyAction, KeyMap } from './key-bindings.ts';

/** All of the page. */
export const keyBindings = new KeyBindings();

/**
 * While the component is there, and nobody types: `useKeys({ '/': { label: 'Search', run: focusSearch } })`. What has a
 * label stands in the list of keys.
 */
export function useKeys(keys: KeyMap): void {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => keyBindings.add(() => newest.current), []);
}

/** Once, when the page begins. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.repeat || isTyping(event.target) || document.querySelector('dialog[open]')) return;
    if (keyBindings.press(event.key, event.timeStamp)) event.preventDefault();
  });
}

const kindsWithoutText = new Set([
  'button',
  'checkbox',
  'color',
  'file',
  'image',
  'radio',
  'range',
  'reset',
  'submit',
]);

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !kindsWithoutText.has(target.type);
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLElement && target.isContentEditable;
}
