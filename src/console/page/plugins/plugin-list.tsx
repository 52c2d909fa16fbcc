import { useState } from 'preact/hooks';
import type { PluginsView, PluginView } from '../../../admin/api/plugins.ts';
import type { OwnerCost } from './cost.ts';
import type { Dependencies } from './dependencies.ts';
import { PluginCard } from './plugin-card.tsx';
import { cardId, PluginLinks } from './plugin-link.tsx';
import { nameOf, openBreakers, pluginsByName } from './plugin-name.ts';
import type { NewsFeed } from './use-news.ts';

/** Cards at once, before one asks for all. */
const shownMax = 60;

export interface PluginListProps {
  readonly view: PluginsView;
  readonly dependencies: Dependencies;
  readonly costs: readonly OwnerCost[];
  readonly news: NewsFeed;
  readonly selected: string | undefined;
  readonly onDone: () => void;
}

/** A card for each plugin, in the order of their files, so that none moves while one mends it. */
export function PluginList({ view, dependencies, costs, news, selected, onDone }: PluginListProps) {
  const [isAll, setAll] = useState(false);
  const { plugins, folder } = view;
  const chosen = plugins.filter((plugin, i) => isAll || i < shownMax || nameOf(plugin) === selected);
  const named = pluginsByName(plugins);
  return (
    <section aria-labelledby="plugin-list">
      <h2 id="plugin-list" class="visually-hidden">
        The plugins
      </h2>
      <Summary plugins={plugins} />
      <ul class="plugin-cards">
        {chosen.map((plugin) => {
          const name = nameOf(plugin);
          const isNamed = named.get(name) === plugin;
          return (
            <PluginCard
              key={plugin.file}
              plugin={plugin}
              id={isNamed ? cardId(name) : undefined}
              folder={folder}
              isSelected={isNamed && name === selected}
              needs={dependencies.needs.filter(({ from }) => isNamed && from === name)}
              optionalDependents={dependencies.needs
                .filter((need) => isNamed && need.to === name && need.isOptional)
                .map(({ from }) => from)}
              cost={costs.find((cost) => isNamed && cost.plugin === name)}
              news={news.ofFile.get(plugin.file)}
              onDone={onDone}
            />
          );
        })}
      </ul>
      {chosen.length < plugins.length && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          Show all {plugins.length}
        </button>
      )}
    </section>
  );
}

/** How many there are, and which of them one should look at. */
function Summary({ plugins }: { readonly plugins: readonly PluginView[] }) {
  const rejected = plugins.filter((plugin) => plugin.rejected).map(nameOf);
  const broken = plugins.filter((plugin) => openBreakers(plugin).length > 0).map(nameOf);
  const active = plugins.filter(({ state }) => state === 'active').length;
  return (
    <p class="plugin-summary">
      <span>{active === plugins.length ? `${active} active` : `${active} of ${plugins.length} active`}</span>
      {rejected.length > 0 && (
        <span class="plugin-unmet">
          Rejected: <PluginLinks names={rejected} />
        </span>
      )}
      {broken.length > 0 && (
        <span class="plugin-unmet">
          Breaker open: <PluginLinks names={broken} />
        </span>
      )}
    </p>
  );
}
