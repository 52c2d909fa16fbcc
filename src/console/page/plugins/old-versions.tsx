import type { PluginsView } from '../../../admin/api/plugins.ts';
import { counted } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import { oldVersionsOf } from './plugin-name.ts';

const shownMax = 5;

/** Replaced versions that exchanges still go through. */
export function OldVersions({ view }: { readonly view: PluginsView }) {
  const old = oldVersionsOf(view);
  if (old.length === 0) return null;
  const exchanges = old.reduce((sum, one) => sum + one.exchanges, 0);
  return (
    <section aria-labelledby="plugin-draining" class="plugin-section">
      <h2 id="plugin-draining">Old versions still in use</h2>
      <div class="card">
        <p class="muted">
          {counted(exchanges, 'exchange')} began before the newest change
          {exchanges === 1 ? ' and ends' : ' and end'} with the versions of that time.
        </p>
        <ul class="plugin-items">
          {old.slice(0, shownMax).map(({ generation, exchanges, replaced }) => (
            <li key={generation}>
              Generation {generation}: {counted(exchanges, 'exchange')}
              {replaced.length > 0 && (
                <>
                  {' with '}
                  <code>{replaced.join(', ')}</code>
                </>
              )}
            </li>
          ))}
        </ul>
        {old.length > shownMax && <p class="muted">and {old.length - shownMax} newer generations</p>}
      </div>
    </section>
  );
}

/** What was unloaded and stays in memory. */
export function Leaks({ leaks }: Pick<PluginsView, 'leaks'>) {
  if (leaks.length === 0) return null;
  const versions = Map.groupBy(leaks, ({ plugin, version }) => `${plugin} ${version}`);
  const names = [...versions].map(([name, all]) => (all.length > 1 ? `${name} (${all.length} times)` : name));
  return (
    <Notice kind="warn" title="Unloaded, and still held in memory">
      {names.join(', ')}. Something was left behind: a timer of <code>globalThis</code>, a listener on an
      object of the process, or an entry in a shared map. Undo it in <code>cleanup</code>.
    </Notice>
  );
}
