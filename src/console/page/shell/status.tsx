import './status.css';
import { Icon } from '../parts/icon.tsx';
import { type Connection, connection } from '../state/events.ts';
import { info } from '../state/info.ts';
import { signOut } from './sign-out.ts';
import { ThemeSwitch } from './theme-switch.tsx';

const words: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting',
  open: 'Connected',
  lost: 'No connection',
  locked: 'Locked',
};

/** How the page and the service stand, and what concerns all views. */
export function Status({ onKeys }: { readonly onKeys: () => void }) {
  return (
    <footer class="status">
      <div class="status-line">
        <span class={`connection connection-${connection.value}`} role="status">
          {words[connection.value]}
        </span>
        {info.value && <span class="status-version">{info.value.version}</span>}
      </div>
      <div class="status-controls">
        <ThemeSwitch />
        <button type="button" class="button quiet icon-only keys-button" title="Keys" onClick={onKeys}>
          <Icon name="keys" />
          <span class="visually-hidden">Keys</span>
        </button>
        {info.value?.hasSession && (
          <button
            type="button"
            class="button quiet icon-only"
            title="Sign out"
            onClick={() => void signOut()}
          >
            <Icon name="signOut" />
            <span class="visually-hidden">Sign out</span>
          </button>
        )}
      </div>
    </footer>
  );
}
