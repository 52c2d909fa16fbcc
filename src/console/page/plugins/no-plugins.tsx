import type { PluginsView } from '../../../admin/api/plugins.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { firstPlugin, newPluginCommand } from './first-plugin.ts';

/** Where the folder is empty: how it gets its first plugin. */
export function NoPlugins({ folder, watch }: Pick<PluginsView, 'folder' | 'watch'>) {
  const file = `${folder}/hello.plugin.ts`;
  return (
    <section class="card first-plugin" aria-labelledby="first-plugin">
      <h2 id="first-plugin">No plugins yet: write the first</h2>
      <p>
        A plugin is one TypeScript file whose name ends in <code>.plugin.ts</code>. It changes queries and
        replies, watches what happens, or adds message types.{' '}
        {watch
          ? 'Save it into the folder and it runs; save it again and the new version runs, with no request lost.'
          : 'Save it into the folder and press “Look for changes”: the folder is not watched.'}
      </p>
      <div class="first-plugin-step">
        <p>This writes one that works, with its test:</p>
        <div class="copy-line">
          <code>{newPluginCommand}</code>
          <CopyButton text={newPluginCommand} label="Copy the command" isSmall />
        </div>
      </div>
      <div class="first-plugin-step">
        <div class="first-plugin-file">
          <p>
            Or save this as <code class="plugin-path">{file}</code>:
          </p>
          <CopyButton text={firstPlugin} label="Copy" />
        </div>
        <pre class="first-plugin-code">
          <code>{firstPlugin}</code>
        </pre>
      </div>
    </section>
  );
}
