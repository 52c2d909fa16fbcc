import { useMemo } from 'preact/hooks';
import { address } from '../routes.ts';
import { type Dependencies, type DependencyNode, describeNeed, type Need } from './dependencies.ts';
import { graphSizes, layOutGraph, pathOf } from './graph.ts';
import { showCard } from './plugin-link.tsx';

/** A larger one is no picture any more; the cards say who needs whom. */
const nodesMax = 120;

/** Who needs whom, drawn. Nothing where nobody needs anybody. */
export function DependencyGraph({ dependencies }: { readonly dependencies: Dependencies }) {
  const { nodes, needs } = dependencies;
  if (nodes.length === 0) return null;
  return (
    <section aria-labelledby="plugin-graph">
      <h2 id="plugin-graph">Dependencies</h2>
      <div class="card">
        {nodes.length > nodesMax ? (
          <p class="muted">
            {nodes.length} plugins depend on each other: too many for a picture. Each card says what it needs.
          </p>
        ) : (
          <Drawing nodes={nodes} needs={needs} />
        )}
        <details class="graph-words">
          <summary>In words</summary>
          <ul>
            {needs.map((need) => (
              <li key={`${need.from} ${need.to}`}>{describeNeed(need)}.</li>
            ))}
          </ul>
        </details>
      </div>
    </section>
  );
}

function Drawing({ nodes, needs }: Dependencies) {
  const shape = needs.map(({ from, to }) => `${from} ${to}`).join();
  // It takes some work, and most changes of plugins leave it as it is.
  const layout = useMemo(
    () =>
      layOutGraph(
        nodes.map(({ name }) => name),
        needs,
      ),
    [shape],
  );
  const { width, height } = layout;
  const needOf = new Map(needs.map((need) => [`${need.from} ${need.to}`, need]));
  const nodeOf = new Map(nodes.map((node) => [node.name, node]));
  const isUnmet = needs.some(({ problem, isOptional }) => problem && !isOptional);
  return (
    <>
      <p class="graph-legend muted">
        An arrow leads from a plugin to one that it needs.
        {needs.some(({ isOptional }) => isOptional) && ' Dashed: it can do without.'}
        {isUnmet && ' Red: what it needs is not there.'}
      </p>
      <div class="graph-scroll">
        <div class="graph" style={{ width: px(width), height: px(height) }}>
          <svg
            width={width}
            height={height}
            role="img"
            aria-label="Arrows from plugins to those that they need"
          >
            <defs>
              {['met', 'unmet', 'without'].map((kind) => (
                <marker
                  key={kind}
                  id={`arrow-${kind}`}
                  class={`graph-arrow graph-${kind}`}
                  viewBox="0 0 8 8"
                  refX="7"
                  refY="4"
                  markerWidth="8"
                  markerHeight="8"
                  markerUnits="userSpaceOnUse"
                  orient="auto"
                >
                  <path d="M0 .5 7 4 0 7.5z" />
                </marker>
              ))}
            </defs>
            {layout.edges.map(({ edge, points }) => {
              const need = needOf.get(`${edge.from} ${edge.to}`) ?? edge;
              const kind = kindOf(need);
              return (
                <path
                  key={`${edge.from} ${edge.to}`}
                  class={`graph-edge graph-${kind}${need.isOptional ? ' optional' : ''}`}
                  d={pathOf(points)}
                  marker-end={`url(#arrow-${kind})`}
                />
              );
            })}
          </svg>
          <ul>
            {layout.nodes.map(({ id, x, y }) => (
              <li
                key={id}
                style={{
                  left: px(x),
                  top: px(y),
                  width: px(graphSizes.nodeWidth),
                  height: px(graphSizes.nodeHeight),
                }}
              >
                <Node node={nodeOf.get(id) ?? { name: id }} />
              </li>
            ))}
          </ul>
        </div>
      </div>
    </>
  );
}

function kindOf({ problem, isOptional }: Need): 'met' | 'unmet' | 'without' {
  if (!problem) return 'met';
  return isOptional ? 'without' : 'unmet';
}

function Node({ node: { name, plugin } }: { readonly node: DependencyNode }) {
  const words = (
    <>
      <span class="clip">{name}</span>
      <span class="graph-note clip">{plugin ? noteOf(plugin) : 'no file brings it'}</span>
    </>
  );
  if (!plugin) return <span class="graph-node absent">{words}</span>;
  const isWrong = plugin.state === 'rejected' || plugin.state === 'failed';
  return (
    <a
      class={`graph-node${isWrong ? ' wrong' : plugin.state === 'active' ? '' : ' absent'}`}
      href={address('plugins', { plugin: name })}
      onClick={() => showCard(name)}
    >
      {words}
    </a>
  );
}

function noteOf({ version, state, rejected }: NonNullable<DependencyNode['plugin']>): string {
  const parts = [version, state !== 'active' && state, state === 'active' && rejected && 'newest rejected'];
  return parts.filter(Boolean).join(' · ');
}

function px(length: number): string {
  return `${length}px`;
}
