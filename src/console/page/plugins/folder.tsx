import { useState } from 'preact/hooks';
import type { PluginsView } from '../../../admin/api/plugins.ts';
import { newsBetween } from './news.ts';
import { useCall } from './use-call.ts';

/** Where the plugins come from. */
export function FolderLine({ view: { folder, watch, generation } }: { readonly view: PluginsView }) {
  return (
    <>
      <code class="plugin-path">{folder}</code>{' '}
      <span
        class="chip"
        title={
          watch
            ? 'A file that is saved there runs at once.'
            : 'Look for changes by the button, or POST /api/plugins/reload.'
        }
      >
        {watch ? 'watched' : 'not watched'}
      </span>{' '}
      <span class="chip" title="It counts up whenever the set of active plugins changes.">
        generation {generation}
      </span>
    </>
  );
}

/** Looks at the folder now, and says what came of it. */
export function LookButton({ view, onDone }: { readonly view: PluginsView; readonly onDone: () => void }) {
  const call = useCall();
  const [said, setSaid] = useState('');
  const look = async () => {
    setSaid('');
    const answer = await call.run('/api/plugins/reload');
    // What was rejected is tried again, and that it fails again is no change.
    if (answer)
      setSaid(resultOf(newsBetween(view, answer).filter(({ kind }) => kind !== 'still_rejected').length));
    onDone();
  };
  return (
    <>
      <span class={call.error ? 'plugin-unmet' : 'muted'} role="status">
        {call.error ? `Not looked: ${call.error.message}` : said}
      </span>
      <button type="button" class="button" aria-disabled={call.isBusy} onClick={() => void look()}>
        {call.isBusy ? 'Looking…' : 'Look for changes'}
      </button>
    </>
  );
}

function resultOf(changes: number): string {
  if (changes === 0) return 'Nothing has changed.';
  return changes === 1 ? 'One plugin has changed.' : `${changes} plugins have changed.`;
}
