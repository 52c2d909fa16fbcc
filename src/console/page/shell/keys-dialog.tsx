import './keys-dialog.css';
import type { ComponentChildren } from 'preact';
import { Dialog } from '../parts/dialog.tsx';
import { keyBindings } from '../parts/keys.ts';
import { route } from '../routes.ts';

/** All keys that do something now: the view's own first. */
export function KeysDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const labelled = open ? keyBindings.labelled() : [];
  const groups = { 'In this view': labelled.slice(0, -1).flat(), Everywhere: labelled.at(-1) ?? [] };
  return (
    <Dialog open={open} title="Keys" onClose={onClose}>
      {Object.entries(groups).map(
        ([title, group]) =>
          group.length > 0 && (
            <Group key={title} title={title}>
              {group.map(({ keys, label }) => (
                <Key key={keys} keys={keys === ' ' ? ['Space'] : keys.split(' ')} label={label} />
              ))}
            </Group>
          ),
      )}
      {route.value.view === 'traces' && (
        <Group title="In a waterfall">
          <Key keys={['↑', '↓']} label="Choose a span" />
          <Key keys={['←', '→']} label="Close and open what is below it" />
          <Key keys={['z']} label="Look closer at it" />
          <Key keys={['Enter']} label="Read it" />
          <Key keys={['Esc']} label="Show all of the time" />
        </Group>
      )}
      <Group title="In a list">
        <Key keys={['↑', '↓', 'Page Up', 'Page Down', 'Home', 'End']} label="Choose a row" />
        <Key keys={['Enter']} label="Open it" />
        <Key keys={['Esc']} label="Let go of it, follow the newest" />
      </Group>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Group({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="keys-group">
      <h3>{title}</h3>
      <dl class="keys">{children}</dl>
    </section>
  );
}

function Key({ keys, label }: { readonly keys: readonly string[]; readonly label: string }) {
  return (
    <div>
      <dt>
        {keys.map((key, position) => (
          <kbd key={position}>{key}</kbd>
        ))}
      </dt>
      <dd>{label}</dd>
    </div>
  );
}
