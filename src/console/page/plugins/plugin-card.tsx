import type { ComponentChildren } from 'preact';
import type { GuardedView, PluginView } from '../../../admin/api/plugins.ts';
import { Fact } from '../parts/fact.tsx';
import { counted, percent } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { callbacks } from './callbacks.ts';
import { fineDuration, type OwnerCost } from './cost.ts';
import { describeNeed, type Need } from './dependencies.ts';
import { PluginActions, Refusal, usePluginControl } from './plugin-actions.tsx';
import { PluginBadge } from './plugin-badge.tsx';
import { PluginLink, PluginLinks } from './plugin-link.tsx';
import { fileIn, isOpen, nameOf } from './plugin-name.ts';
import { Rejection } from './rejection.tsx';
import { NewsLine, Since } from './since.tsx';
import type { DatedNews } from './use-news.ts';

export interface PluginCardProps {
  readonly plugin: PluginView;
  /** For links to lead to; none where another file has its name. */
  readonly id: string | undefined;
  readonly folder: string;
  readonly isSelected: boolean;
  readonly needs: readonly Need[];
  /** Names of those that can use it, and do without. */
  readonly optionalDependents: readonly string[];
  readonly cost: OwnerCost | undefined;
  readonly news: DatedNews | undefined;
  readonly onDone: () => void;
}

/** One plugin: how it is, what it brings, who needs whom, and what can be done with it. */
export function PluginCard(props: PluginCardProps) {
  const { plugin, id, folder, isSelected, needs, optionalDependents, cost, news, onDone } = props;
  const { version, state, file, loadedAt, files = [], dependents = [], restarts = 0 } = plugin;
  const control = usePluginControl({ plugin, onDone });
  const name = nameOf(plugin);
  const titleId = `title-${file}`;
  const helpers = files.filter((one) => one !== file).map((one) => fileIn(folder, one));
  return (
    <li>
      <article
        id={id}
        class={`card plugin${isSelected ? ' selected' : ''}${plugin.rejected ? ' has-rejection' : ''}`}
        aria-labelledby={titleId}
        tabIndex={-1}
      >
        <header class="plugin-head">
          <h3 id={titleId}>
            <span class="plugin-name">{name}</span> {version && <span class="plugin-version">{version}</span>}
          </h3>
          <PluginBadge state={state} />
          <PluginActions plugin={plugin} control={control} />
        </header>
        <p class="plugin-file muted">
          <code class="plugin-path">{fileIn(folder, file)}</code>
          {helpers.length > 0 && (
            <span title={helpers.join('\n')}> and {counted(helpers.length, 'helper')}</span>
          )}
          {loadedAt && (
            <>
              {' · loaded '}
              <Since at={loadedAt} />
            </>
          )}
        </p>
        {news && !control.call.error && <NewsLine news={news} />}
        <Refusal plugin={plugin} control={control} />
        <Rejection plugin={plugin} />
        {plugin.fileIsGoneButNeededBy && (
          <p class="plugin-warning">
            <Icon name="warn" />
            <span>
              Its file is gone. It stays, because <PluginLinks names={plugin.fileIsGoneButNeededBy} /> needs
              it.
            </span>
          </p>
        )}
        <dl class="plugin-facts">
          {loadedAt && <Fact name="Brings">{<Brought plugin={plugin} />}</Fact>}
          {needs.length > 0 && (
            <Fact name="Needs">
              <Items>
                {needs.map((need) => (
                  <NeedItem key={need.to} need={need} />
                ))}
              </Items>
            </Fact>
          )}
          {dependents.length + optionalDependents.length > 0 && (
            <Fact name="Needed by">
              <PluginLinks names={dependents} />
              {optionalDependents.length > 0 && (
                <>
                  {dependents.length > 0 && '; '}
                  <PluginLinks names={optionalDependents} /> <span class="muted">(can do without)</span>
                </>
              )}
            </Fact>
          )}
          {cost && <Fact name="Costs">{<CostInWords cost={cost} />}</Fact>}
          {restarts > 0 && (
            <Fact name="Restarts">{`its worker was ended and started again ${times(restarts)}`}</Fact>
          )}
        </dl>
      </article>
    </li>
  );
}

function Items({ children }: { readonly children: ComponentChildren }) {
  return <ul class="plugin-items">{children}</ul>;
}

function Brought({ plugin: { middleware = [], hooks = [], messageTypes = [] } }: { plugin: PluginView }) {
  if (middleware.length + hooks.length + messageTypes.length === 0)
    return <span class="muted">nothing as it is configured now</span>;
  return (
    <Items>
      {middleware.map(({ name, priority, onFailure, breaker, lastError }) => (
        <li key={`middleware ${name}`}>
          middleware <code>{name}</code>{' '}
          <span class="muted">
            priority {priority}
            {onFailure === 'continue' && ', exchanges go on without it where it fails'}
          </span>{' '}
          <BreakerChip state={breaker} />
          <LastError error={lastError} of={lastError && callbacks[lastError.in]?.name} />
        </li>
      ))}
      {hooks.map(({ point, priority, breaker, lastError }, i) => (
        <li key={`hook ${point} ${i}`}>
          hook <code>{point}</code> {priority !== 50 && <span class="muted">priority {priority}</span>}{' '}
          <BreakerChip state={breaker} />
          <LastError error={lastError} />
        </li>
      ))}
      {messageTypes.map(({ type, breaker, lastError }) => (
        <li key={`type ${type}`}>
          message type <code>{type}</code> <BreakerChip state={breaker} />
          <LastError error={lastError} of={lastError?.in} />
        </li>
      ))}
    </Items>
  );
}

/** Nothing while it is closed. */
export function BreakerChip({ state }: { readonly state: string | undefined }) {
  if (!isOpen(state)) return null;
  const isHalf = state === 'half_open';
  return (
    <span
      class={`chip breaker breaker-${isHalf ? 'half' : 'open'}`}
      title={
        isHalf
          ? 'After repeated failures, one call may try again now.'
          : 'It failed several times in a row and is left out; in a while, one call may try again.'
      }
    >
      <Icon name="warn" /> breaker {isHalf ? 'half open' : 'open'}
    </span>
  );
}

interface LastErrorProps {
  readonly error: GuardedView['lastError'];
  /** What of it failed, where it has several things that can. */
  readonly of?: string | undefined;
}

function LastError({ error, of }: LastErrorProps) {
  if (!error) return null;
  return (
    <p class="plugin-error">
      {of && <code>{of}</code>} failed <Since at={error.at} />: <span dir="auto">{error.message}</span>
    </p>
  );
}

function NeedItem({ need }: { readonly need: Need }) {
  const { to, range, isOptional, problem } = need;
  return (
    <li title={describeNeed(need)}>
      {problem === 'missing' ? <code>{to}</code> : <PluginLink name={to} />} <span class="mono">{range}</span>{' '}
      {isOptional && <span class="muted">optional{problem && ', '}</span>}
      {problem && (
        <span class={isOptional ? 'muted' : 'plugin-unmet'}>
          {problem === 'missing' ? 'not active' : 'active in another version'}
        </span>
      )}
    </li>
  );
}

function CostInWords({ cost: { perExchangeMs, share, errors } }: { readonly cost: OwnerCost }) {
  if (perExchangeMs === undefined) return <span class="muted">no exchange went through it so far</span>;
  return (
    <>
      <strong>{fineDuration(perExchangeMs)}</strong> of an exchange · {percent(share)} of all plugins
      {errors > 0 && <span class="plugin-unmet">{` · ${counted(errors, 'error')}`}</span>}
    </>
  );
}

function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`;
}
