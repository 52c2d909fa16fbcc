import type { ComponentChildren } from 'preact';
import type { Cost, HookPointView, MiddlewareView, PipelineView } from '../../../admin/api/pipeline.ts';
import { count } from '../parts/format.ts';
import { callbacks } from './callbacks.ts';
import { averageMs, fineDuration, longestMs, type OwnerCost } from './cost.ts';
import { CostOverview } from './cost-overview.tsx';
import { BreakerChip } from './plugin-card.tsx';
import { PluginLink } from './plugin-link.tsx';
import { isOpen } from './plugin-name.ts';

/** What an exchange runs through, in order, with what each part has cost since the service started. */
export function OrderAndCost({ pipeline, costs }: { pipeline: PipelineView; costs: readonly OwnerCost[] }) {
  const { middleware, hooks } = pipeline;
  const isEmpty = middleware.length === 0 && hooks.length === 0;
  return (
    <section aria-labelledby="plugin-cost" class="plugin-section">
      <h2 id="plugin-cost">What it costs</h2>
      {isEmpty ? (
        <p class="card muted">
          No middleware and no hooks: queries and replies pass untouched, and nothing is spent on them here.
        </p>
      ) : (
        <>
          <div class="card flush">
            <CostOverview costs={costs} />
            <p class="cost-legend muted">
              <span class="share-middleware cost-swatch" aria-hidden="true" /> middleware: exchanges wait for
              it. <span class="share-hooks cost-swatch" aria-hidden="true" /> hooks: no exchange waits, but
              the event loop is busy. Figures are since the start of the service; what the messages between
              the turns of a session take counts to its exchanges, while each of them is a call.
            </p>
          </div>
          {middleware.length > 0 && <Stack middleware={middleware} />}
          {hooks.length > 0 && <Hooks hooks={hooks} />}
        </>
      )}
    </section>
  );
}

function Stack({ middleware }: { readonly middleware: readonly MiddlewareView[] }) {
  const longest = longestMs(middleware.flatMap(({ phases }) => phases.map(({ cost }) => cost)));
  return (
    <>
      <h3 id="plugin-stack">Middleware, in order</h3>
      <Way middleware={middleware} />
      <div class="card flush">
        <table class="data steps" aria-labelledby="plugin-stack">
          <StepHead first="Callback" />
          {middleware.map(({ name, plugin, priority, onFailure, breaker, phases }, i) => (
            <tbody key={name}>
              <tr class="step-owner">
                <th scope="rowgroup" colSpan={7}>
                  <span class="step-number">{i + 1}</span> {name}{' '}
                  <span class="muted">
                    <Source plugin={plugin} name={name} />
                    {priority !== undefined && ` · priority ${priority}`}
                    {onFailure === 'continue'
                      ? ' · where it fails, exchanges go on'
                      : ' · where it fails, the exchange fails'}
                  </span>{' '}
                  <BreakerChip state={breaker} />
                </th>
              </tr>
              {phases.map(({ phase, cost }) => (
                <Step key={phase} cost={cost} longest={longest}>
                  <span class="step-way" aria-hidden="true">
                    {callbacks[phase]?.way ?? '·'}
                  </span>{' '}
                  <code>{callbacks[phase]?.name ?? phase}</code>
                  {phase === 'on_chunk' && (
                    <span class="muted"> all events of a stream, or a message between turns</span>
                  )}
                </Step>
              ))}
            </tbody>
          ))}
        </table>
      </div>
    </>
  );
}

/** The whole way at one glance. */
function Way({ middleware }: { readonly middleware: readonly MiddlewareView[] }) {
  return (
    <div class="way">
      <ol aria-label="The way of a query">
        <li class="way-end">client</li>
        {middleware.map(({ name, plugin, breaker }) => (
          <li key={name} class={isOpen(breaker) ? 'way-broken' : undefined}>
            {plugin === undefined ? <span>{name}</span> : <PluginLink name={plugin}>{name}</PluginLink>}
          </li>
        ))}
        <li class="way-end">upstream</li>
      </ol>
      <p class="muted">Replies come back through it in reverse.</p>
    </div>
  );
}

function Source({ plugin, name }: { readonly plugin: string | undefined; readonly name: string }) {
  if (plugin === undefined) return 'configuration';
  return plugin === name ? (
    <>
      plugin <PluginLink name={plugin} />
    </>
  ) : (
    <>
      of plugin <PluginLink name={plugin} />
    </>
  );
}

function Hooks({ hooks }: { readonly hooks: readonly HookPointView[] }) {
  const longest = longestMs(hooks.flatMap(({ callbacks }) => callbacks.map(({ cost }) => cost)));
  return (
    <>
      <h3 id="plugin-hooks">Hooks, by point in the order of an exchange</h3>
      <div class="card flush">
        <table class="data steps" aria-labelledby="plugin-hooks">
          <StepHead first="Callback" />
          {hooks.map(({ point, callbacks }) => (
            <tbody key={point}>
              <tr class="step-owner">
                <th scope="rowgroup" colSpan={7}>
                  <code>{point}</code>
                </th>
              </tr>
              {callbacks.map(({ owner, plugin, priority, breaker, cost }, i) => {
                // One plugin's callbacks at a point are measured together.
                const isFirst =
                  callbacks.findIndex((other) => plugin !== undefined && other.plugin === plugin) === i;
                return (
                  <Step
                    key={`${owner} ${i}`}
                    cost={isFirst ? cost : undefined}
                    longest={longest}
                    kind="hooks"
                  >
                    {plugin === undefined ? owner : <PluginLink name={plugin} />}{' '}
                    <span class="muted">priority {priority}</span> <BreakerChip state={breaker} />
                  </Step>
                );
              })}
            </tbody>
          ))}
        </table>
      </div>
    </>
  );
}

function StepHead({ first }: { readonly first: string }) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {['Calls', 'Average', 'p95', 'Total'].map((title) => (
          <th key={title} scope="col" class="num">
            {title}
          </th>
        ))}
        <th scope="col">
          <span class="visually-hidden">Total, as a bar</span>
        </th>
        <th scope="col" class="num">
          Errors
        </th>
      </tr>
    </thead>
  );
}

interface StepProps {
  readonly cost: Cost | undefined;
  /** What the bar of the longest total is as wide as, ms. */
  readonly longest: number;
  readonly kind?: 'middleware' | 'hooks';
  readonly children: ComponentChildren;
}

function Step({ cost, longest, kind = 'middleware', children }: StepProps) {
  const width = cost && longest > 0 ? `${(cost.totalMs / longest) * 100}%` : '0';
  return (
    <tr class="step">
      <th scope="row">{children}</th>
      <td class="num" data-label="calls">
        {count(cost?.calls)}
      </td>
      <td class="num" data-label="average">
        {fineDuration(cost && averageMs(cost))}
      </td>
      <td class="num" data-label="p95">
        {fineDuration(cost?.p95Ms)}
      </td>
      <td class="num" data-label="total">
        {fineDuration(cost?.totalMs)}
      </td>
      <td class="step-bar">
        <span class="share-bar" aria-hidden="true">
          <span class={`share-${kind}`} style={{ width }} />
        </span>
      </td>
      <td class={`num ${cost && cost.errors > 0 ? 'plugin-unmet' : 'none'}`} data-label="errors">
        {count(cost?.errors)}
      </td>
    </tr>
  );
}
