import { duration, timeOf } from '../parts/format.ts';
import { apis } from './apis.ts';
import type { PastQuery } from './history.ts';

interface PastQueriesProps {
  readonly queries: readonly PastQuery[];
  readonly shown: PastQuery | undefined;
  readonly onShow: (query: PastQuery) => void;
}

/** What was asked before, to be looked at or asked again. */
export function PastQueries({ queries, shown, onShow }: PastQueriesProps) {
  if (queries.length < 2) return null;
  return (
    <section class="try-past" aria-label="Queries sent from here">
      <h2>Sent from here</h2>
      <ul>
        {queries.map((query) => (
          <li key={query.run.id}>
            <button
              type="button"
              class="try-past-query"
              aria-current={query === shown ? 'true' : undefined}
              onClick={() => onShow(query)}
            >
              <span class="muted num">{timeOf(query.run.startedAt)}</span>
              <span class="clip" dir="auto">
                {modelOf(query)} <span class="muted">{apis[query.state.api].name}</span>
              </span>
              <Result query={query} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Result({ query: { run } }: { readonly query: PastQuery }) {
  const endedAt = run.endedAt.value;
  const status = run.status.value;
  const isBad = run.state.value === 'broken' || run.answer.value.error !== undefined;
  return (
    <span class={isBad ? 'num bad' : 'num muted'}>
      {status ?? '–'} · {endedAt === undefined ? 'running' : duration(endedAt - run.startedAt)}
    </span>
  );
}

function modelOf({ state, run }: PastQuery): string {
  return state.json === undefined ? state.model : (run.answer.value.model ?? 'JSON');
}
