import type { ComponentChildren } from 'preact';
import { address } from '../routes.ts';

/** Leads to the card of a plugin; `?plugin=` in the address is what one sends to a colleague. */
export function PluginLink({ name, children = name }: { name: string; children?: ComponentChildren }) {
  return (
    <a href={address('plugins', { plugin: name })} onClick={() => showCard(name)}>
      {children}
    </a>
  );
}

/** Names with commas between them. */
export function PluginLinks({ names }: { readonly names: readonly string[] }) {
  return names.map((name, i) => (
    <span key={name}>
      {i > 0 && ', '}
      <PluginLink name={name} />
    </span>
  ));
}

export function cardId(name: string): string {
  return `plugin-${name}`;
}

/** Also where the address is the same as before, and nothing else would happen. */
export function showCard(name: string): void {
  const card = document.getElementById(cardId(name));
  card?.scrollIntoView({ block: 'nearest' });
  card?.focus({ preventScroll: true });
}
