import './choice-menu.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ValueCount } from '../../../admin/api/exchanges.ts';
import type { Outcome } from '../../../exchange/outcome.ts';
import { compact, count } from '../parts/format.ts';
import { OutcomeBadge } from '../parts/outcome.tsx';
import type { Choice } from './filter.ts';

export interface ChoiceMenuProps {
  readonly choice: Choice;
  readonly chosen: readonly string[];
  /** What there is to choose from; undefined until that is known. */
  readonly values: readonly ValueCount[] | undefined;
  readonly onOpen: () => void;
  readonly onChoose: (value: string, isChosen: boolean) => void;
}

/** More are found by their letters. */
const shownMax = 50;
const searchedFrom = 9;

/** Any of the values of one field. Those that are chosen come first, also where none of the exchanges has them. */
export function ChoiceMenu({ choice, chosen, values = [], onOpen, onChoose }: ChoiceMenuProps) {
  const menu = useRef<HTMLDetailsElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [search, setSearch] = useState('');
  const [isByTokens, setByTokens] = useState(false);
  useDismissal(menu, isOpen);
  const hasTokens = values.some(({ tokens }) => tokens > 0);
  const sorted = isByTokens ? values.toSorted((a, b) => b.tokens - a.tokens) : values;
  const all = withChosen(sorted, chosen);
  const found = all.filter(({ value }) => value.toLowerCase().includes(search.toLowerCase()));
  return (
    <details
      ref={menu}
      class="choice"
      name="live-choice"
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open);
        setSearch('');
        if (currentTarget.open) onOpen();
      }}
    >
      <summary class="button" data-chosen={chosen.length > 0 || undefined}>
        <span class="clip">{labelOf(choice, chosen)}</span>
      </summary>
      {isOpen && (
        <fieldset class="choice-panel">
          <legend class="visually-hidden">{choice}</legend>
          {all.length >= searchedFrom && (
            <input
              type="search"
              class="field"
              placeholder="Find"
              aria-label={`Find a value of ${choice}`}
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          )}
          {hasTokens && values.length > 1 && (
            <label class="choice-order">
              <input
                type="checkbox"
                checked={isByTokens}
                onChange={(event) => setByTokens(event.currentTarget.checked)}
              />
              <span class="muted">Most tokens first</span>
            </label>
          )}
          {found.slice(0, shownMax).map(({ value, count: times, tokens }) => (
            <label key={value}>
              <input
                type="checkbox"
                checked={chosen.includes(value)}
                onChange={(event) => onChoose(value, event.currentTarget.checked)}
              />
              <span class="choice-value" dir="auto">
                {choice === 'outcome' ? <OutcomeBadge outcome={value as Outcome} /> : value}
              </span>
              <span class="num muted">{count(times)}</span>
              {hasTokens && (
                <span class="choice-tokens num muted" title={`${count(tokens)} tokens, in and out`}>
                  {compact(tokens)} tokens
                </span>
              )}
            </label>
          ))}
          {found.length === 0 && (
            <p class="muted">{search === '' ? 'None yet.' : 'None has these letters.'}</p>
          )}
          {found.length > shownMax && <p class="muted">{found.length - shownMax} more: find them above.</p>}
        </fieldset>
      )}
    </details>
  );
}

function withChosen(values: readonly ValueCount[], chosen: readonly string[]): ValueCount[] {
  const first = chosen.map(
    (value) => values.find((one) => one.value === value) ?? { value, count: 0, tokens: 0 },
  );
  return [...first, ...values.filter(({ value }) => !chosen.includes(value))];
}

function labelOf(choice: Choice, [first, ...more]: readonly string[]): string {
  const name = `${choice[0]?.toUpperCase()}${choice.slice(1)}`;
  if (first === undefined) return name;
  return `${name}: ${first.replaceAll('_', ' ')}${more.length > 0 ? ` +${more.length}` : ''}`;
}

/** Escape closes it, and so does whatever happens elsewhere. */
function useDismissal(menu: { readonly current: HTMLDetailsElement | null }, isOpen: boolean): void {
  useEffect(() => {
    const element = menu.current;
    if (!isOpen || !element) return;
    const close = () => {
      element.open = false;
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      close();
      element.querySelector('summary')?.focus();
    };
    const onElsewhere = (event: Event) => {
      if (event.target instanceof Node && !element.contains(event.target)) close();
    };
    // Pressing a label focuses what is around all of this, for a moment: closing now would take it from under the click.
    const onFocus = (event: FocusEvent) => {
      if (event.target instanceof Node && !event.target.contains(element)) onElsewhere(event);
    };
    element.addEventListener('keydown', onKey);
    document.addEventListener('pointerdown', onElsewhere);
    document.addEventListener('focusin', onFocus);
    return () => {
      element.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', onElsewhere);
      document.removeEventListener('focusin', onFocus);
    };
  }, [menu, isOpen]);
}
