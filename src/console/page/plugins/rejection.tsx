import type { PluginView } from '../../../admin/api/plugins.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { timeOf } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { placeOf } from './plugin-name.ts';

const steps: Readonly<Record<string, string>> = {
  build: 'it does not compile',
  evaluate: 'its module cannot be evaluated',
  shape: 'it is not a plugin of the right shape',
  config: 'its config does not fit its schema',
  dependencies: 'others keep it out',
  initialize: 'its initialize failed',
};

/** A complaint may quote what it complains of; `/api/plugins` has all of it. */
const messageCharsMax = 2_000;

/** Why the newest version of a file is not the active one, and where to look. */
export function Rejection({ plugin }: { readonly plugin: PluginView }) {
  const { rejected, state, version } = plugin;
  if (!rejected) return null;
  const place = placeOf(rejected);
  const isServed = state === 'active';
  return (
    <div class="rejection">
      <p class="rejection-head">
        <Icon name="error" />
        <span>
          <strong>
            {rejected.version ? `Version ${rejected.version}` : 'The newest version'} is rejected
          </strong>
          : {steps[rejected.step] ?? rejected.step}
        </span>
      </p>
      <pre class="rejection-message">{shortened(rejected.message)}</pre>
      <div class="copy-line">
        <code class="plugin-path">{place}</code>
        <CopyButton text={place} label="Copy file, line and column" isSmall />
      </div>
      <p class="muted">
        Step <code>{rejected.step}</code>, since <time dateTime={rejected.at}>{timeOf(rejected.at)}</time>.{' '}
        {isServed ? <strong>{version} goes on serving.</strong> : 'No version of it is active.'}
      </p>
    </div>
  );
}

function shortened(message: string): string {
  return message.length > messageCharsMax ? `${message.slice(0, messageCharsMax)}…` : message;
}
