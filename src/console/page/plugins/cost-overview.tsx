import { count, percent } from '../parts/format.ts';
import { fineDuration, type OwnerCost } from './cost.ts';
import { PluginLink } from './plugin-link.tsx';

/** What each plugin, and each middleware of the configuration, costs: the most costly first. */
export function CostOverview({ costs }: { readonly costs: readonly OwnerCost[] }) {
  const used = costs.filter(({ perExchangeMs }) => perExchangeMs !== undefined);
  if (used.length === 0)
    return (
      <p class="muted">No exchange has gone through any of it so far: send one, and its cost stands here.</p>
    );
  const largest = Math.max(...used.map(({ share }) => share));
  return (
    <table class="data cost-overview">
      <caption class="visually-hidden">Cost of each plugin and middleware since the service started</caption>
      <thead>
        <tr>
          <th scope="col">Whose</th>
          <th scope="col" class="num">
            Of an exchange
          </th>
          <th scope="col">Share of all</th>
          <th scope="col" class="num">
            Errors
          </th>
        </tr>
      </thead>
      <tbody>
        {used.map((cost) => (
          <tr key={`${cost.plugin} ${cost.name}`}>
            <th scope="row">
              {cost.plugin === undefined ? (
                <>
                  {cost.name} <span class="muted">configuration</span>
                </>
              ) : (
                <PluginLink name={cost.plugin} />
              )}
            </th>
            <td class="num cost-figure">{fineDuration(cost.perExchangeMs)}</td>
            <td>
              <ShareBar cost={cost} largest={largest} />
            </td>
            <td class={`num${cost.errors > 0 ? ' plugin-unmet' : ' muted'}`}>{count(cost.errors)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** As long as the largest is wide; middleware in one colour, hooks in another. */
function ShareBar({ cost: { middlewareMs, hooksMs, share }, largest }: { cost: OwnerCost; largest: number }) {
  const total = middlewareMs + hooksMs;
  const widthOf = (ms: number) =>
    total === 0 || largest === 0 ? '0' : `${((ms / total) * share * 100) / largest}%`;
  return (
    <span class="share">
      <span class="share-bar" aria-hidden="true">
        <span class="share-middleware" style={{ width: widthOf(middlewareMs) }} />
        <span class="share-hooks" style={{ width: widthOf(hooksMs) }} />
      </span>
      <span class="num share-figure">{percent(share)}</span>
    </span>
  );
}
