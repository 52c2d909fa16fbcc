import './keys-dialog.css';
import { Dialog } from '../parts/dialog.tsx';
import { keyBindings } from '../parts/keys.ts';

/** All keys that do something now: the view's own first. */
export function KeysDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const groups = open ? keyBindings.labelled().filter((group) => group.length > 0) : [];
  return (
    <Dialog open={open} title="Keys" onClose={onClose}>
      {groups.map((group, index) => (
        <section class="keys-group" key={group[0]?.keys}>
          <h3>{index === groups.length - 1 ? 'Everywhere' : 'In this view'}</h3>
          <dl class="keys">
            {group.map(({ keys, label }) => (
              <div key={keys}>
                <dt>
                  {keys.split(' ').map((key, position) => (
                    <kbd key={position}>{key}</kbd>
                  ))}
                </dt>
                <dd>{label}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <section class="keys-group">
        <h3>In a list</h3>
        <dl class="keys">
          <div>
            <dt>
              <kbd>↑</kbd>
              <kbd>↓</kbd>
              <kbd>Page Up</kbd>
              <kbd>Page Down</kbd>
              <kbd>Home</kbd>
              <kbd>End</kbd>
            </dt>
            <dd>Choose a row</dd>
          </div>
          <div>
            <dt>
              <kbd>Enter</kbd>
            </dt>
            <dd>Open it</dd>
          </div>
          <div>
            <dt>
              <kbd>Esc</kbd>
            </dt>
            <dd>Let go of it, follow the newest</dd>
          </div>
        </dl>
      </section>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
