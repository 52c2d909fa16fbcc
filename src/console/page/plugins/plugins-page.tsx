import './plugins.css';
import './graph.css';
import './order-and-cost.css';
import { computed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { PipelineView } from '../../../admin/api/pipeline.ts';
import type { PluginsView } from '../../../admin/api/plugins.ts';
import { Notice, NotKnown } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { isUnreachable } from '../state/api.ts';
import { pluginsChanged } from '../state/events.ts';
import { now } from '../state/now.ts';
import { useData } from '../state/use-data.ts';
import { costsOf } from './cost.ts';
import { dependenciesOf } from './dependencies.ts';
import { DependencyGraph } from './dependency-graph.tsx';
import { FolderLine, LookButton } from './folder.tsx';
import { NoPlugins } from './no-plugins.tsx';
import { Leaks, OldVersions } from './old-versions.tsx';
import { OrderAndCost } from './order-and-cost.tsx';
import { showCard } from './plugin-link.tsx';
import { PluginList } from './plugin-list.tsx';
import { useNews } from './use-news.ts';

/** Costs grow with every exchange, and plugins fail at one: nobody tells of it. */
const askEveryMs = 4_000;
const turn = computed(() => Math.floor(now.value / askEveryMs));

/** Which plugins there are, how they are, in which order they work, and what each costs. */
export function PluginsPage({ query }: { readonly query: URLSearchParams }) {
  const version = `${pluginsChanged.value} ${turn.value}`;
  const plugins = useData<PluginsView>('/api/plugins', version);
  const pipeline = useData<PipelineView>('/api/pipeline', version);
  const view = plugins.data;
  const news = useNews(view);
  const selected = query.get('plugin') ?? undefined;
  useSelection(selected, view !== undefined);
  return (
    <>
      <PageHead title="Plugins" note={view && <FolderLine view={view} />}>
        {view && <LookButton view={view} onDone={plugins.reload} />}
      </PageHead>
      <p class="visually-hidden" role="status">
        <span key={news.number}>{news.announcement}</span>
      </p>
      {isUnreachable(plugins.error) && !view && <NotKnown />}
      {plugins.error && !isUnreachable(plugins.error) && (
        <Notice kind="error" title="The plugins cannot be read">
          {plugins.error.message}
        </Notice>
      )}
      {plugins.isLoading && <p class="muted">Loading…</p>}
      {view && <Body view={view} {...{ pipeline, news, selected }} onDone={plugins.reload} />}
    </>
  );
}

interface BodyProps {
  readonly view: PluginsView;
  readonly pipeline: ReturnType<typeof useData<PipelineView>>;
  readonly news: ReturnType<typeof useNews>;
  readonly selected: string | undefined;
  readonly onDone: () => void;
}

function Body({ view, pipeline, news, selected, onDone }: BodyProps) {
  const dependencies = dependenciesOf(view.plugins);
  const costs = pipeline.data ? costsOf(pipeline.data) : [];
  return (
    <div class="plugins-body">
      <Leaks leaks={view.leaks} />
      {view.plugins.length === 0 ? (
        <NoPlugins folder={view.folder} watch={view.watch} />
      ) : (
        <PluginList {...{ view, dependencies, costs, news, selected, onDone }} />
      )}
      <OldVersions view={view} />
      <DependencyGraph dependencies={dependencies} />
      {pipeline.data && <OrderAndCost pipeline={pipeline.data} costs={costs} />}
      {pipeline.error && !isUnreachable(pipeline.error) && (
        <Notice kind="error" title="Order and cost cannot be read">
          {pipeline.error.message}
        </Notice>
      )}
    </div>
  );
}

/** Who comes with a plugin in the address is led to its card; once, since lists go on changing. */
function useSelection(selected: string | undefined, isThere: boolean): void {
  const [shown, setShown] = useState<string>();
  useEffect(() => {
    if (!isThere || selected === undefined || selected === shown) return;
    setShown(selected);
    showCard(selected);
  }, [selected, isThere, shown]);
}
