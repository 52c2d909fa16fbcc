import './filter-bar.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ExchangeValues } from '../../../admin/api/exchanges.ts';
import { duration, timeOf } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { useKeys } from '../parts/keys.ts';
import { useData } from '../state/use-data.ts';
import { ChoiceMenu } from './choice-menu.tsx';
import { choices, type Filter, isFiltered, noFilter, timeRange, withChoice } from './filter.ts';

export interface FilterBarProps {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

/** One writes on; each letter alone is no question. */
const typingPauseMs = 250;

export function FilterBar({ filter, onChange }: FilterBarProps) {
  const [opened, setOpened] = useState(0);
  const { data } = useData<ExchangeValues>(opened > 0 ? '/api/exchanges/values' : undefined, opened);
  const values = {
    outcome: data?.outcomes,
    model: data?.models,
    upstream: data?.upstreams,
    tenant: data?.tenants,
  };
  return (
    <search class="toolbar live-filter" aria-label="Filter">
      <TextFilter text={filter.text} onChange={(text) => onChange({ ...filter, text })} />
      {choices.map((choice) => (
        <ChoiceMenu
          key={choice}
          choice={choice}
          chosen={filter[choice]}
          values={values[choice]}
          onOpen={() => setOpened(opened + 1)}
          onChoose={(value, isChosen) => onChange(withChoice(filter, choice, value, isChosen))}
        />
      ))}
      <DurationFilter
        minMs={filter.minDurationMs}
        onChange={(minDurationMs) => onChange({ ...filter, minDurationMs })}
      />
      <TimeChip filter={filter} onClear={() => onChange({ ...filter, from: '', to: '' })} />
      {isFiltered(filter) && (
        <button type="button" class="button quiet" onClick={() => onChange(noFilter)}>
          Clear
        </button>
      )}
    </search>
  );
}

function TextFilter({
  text,
  onChange,
}: {
  readonly text: string;
  readonly onChange: (text: string) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(text);
  const told = useRef(text);
  useKeys({ '/': { label: 'Filter by text', run: () => field.current?.select() } });
  useEffect(() => {
    // Changed by somebody else: the way back, or "Clear".
    if (text !== told.current) setTyped(text);
    told.current = text;
  }, [text]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = setTimeout(() => {
      told.current = typed;
      onChange(typed);
    }, typingPauseMs);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      ref={field}
      type="search"
      class="field live-text"
      placeholder="Path, model, id, error …  ( / )"
      aria-label="Text in path, model, upstream, tenant, id, trace id or error"
      aria-keyshortcuts="/"
      maxLength={200}
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && typed === '') event.currentTarget.blur();
      }}
    />
  );
}

const durationsMs = ['100', '1000', '5000', '30000'];

interface DurationFilterProps {
  readonly minMs: string;
  readonly onChange: (minMs: string) => void;
}

/** To find the slowest: also a time that only the address has can be shown. */
function DurationFilter({ minMs, onChange }: DurationFilterProps) {
  const offered = durationsMs.includes(minMs) || minMs === '' ? durationsMs : [minMs, ...durationsMs];
  return (
    <select
      class={minMs === '' ? 'button' : 'button chosen'}
      aria-label="Duration"
      value={minMs}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      <option value="">Any duration</option>
      {offered.map((ms) => (
        <option key={ms} value={ms}>
          {duration(Number(ms)).replace('.0', '')} or longer
        </option>
      ))}
    </select>
  );
}

function TimeChip({ filter, onClear }: { readonly filter: Filter; readonly onClear: () => void }) {
  if (filter.from === '' && filter.to === '') return null;
  const { fromMs, toMs } = timeRange(filter);
  const end = (ms: number | undefined) => (ms === undefined ? '…' : timeOf(ms));
  return (
    <button type="button" class="button chosen" title="At all times again" onClick={onClear}>
      {end(fromMs)} – {end(toMs)} <Icon name="cross" />
    </button>
  );
}
