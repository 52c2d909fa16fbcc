import './try.css';
import { useRef, useState } from 'preact/hooks';
import { Empty, Notice } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { info } from '../state/info.ts';
import { AnswerView } from './answer-view.tsx';
import { type FormState, firstState, queryOf } from './form-state.ts';
import { credential, form, history, type PastQuery, remember } from './history.ts';
import { PastQueries } from './past-queries.tsx';
import { freshRequestId } from './request-id.ts';
import { Run } from './run.ts';
import { RunTrace } from './run-trace.tsx';
import { TryForm } from './try-form.tsx';

/** A query through the proxy, its answer, and its trace as it grows. */
export function TryPage(_props: { readonly query: URLSearchParams }) {
  const [shown, setShown] = useState<PastQuery | undefined>(history.peek()[0]);
  const [problem, setProblem] = useState<string>();
  const result = useRef<HTMLDivElement>(null);
  const state = form.value ?? firstState(info.value ?? { isSimulator: false, upstreams: [] });
  const change = (next: FormState) => {
    form.value = next;
    setProblem(undefined);
  };
  const send = () => {
    if (shown?.run.isRunning) return;
    const { query, problem: reason } = { query: undefined, ...queryOf(state, credential.value) };
    setProblem(reason);
    if (!query) return;
    const past = {
      state,
      run: new Run(query, { id: freshRequestId(), fetch: (path, init) => fetch(path, init), now: Date.now }),
    };
    remember(past);
    setShown(past);
    // Where it is narrow the answer comes below what one sees.
    result.current?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <>
      <PageHead title="Try it" note="A query through the proxy, as any client sends one" />
      <div class="try">
        <div class="try-ask">
          <TryForm
            state={state}
            onChange={change}
            credential={credential.value}
            onCredential={(next) => {
              credential.value = next;
            }}
            isRunning={shown?.run.isRunning ?? false}
            onSend={send}
            onStop={() => shown?.run.stop()}
          />
          {problem !== undefined && (
            <Notice kind="error" title="Not sent">
              {problem}
            </Notice>
          )}
          <PastQueries
            queries={history.value}
            shown={shown}
            onShow={(query) => {
              setShown(query);
              change(query.state);
            }}
          />
        </div>
        <div ref={result} class="try-result">
          {shown ? (
            <>
              <AnswerView key={`answer ${shown.run.id}`} run={shown.run} />
              <RunTrace key={`trace ${shown.run.id}`} run={shown.run} />
            </>
          ) : (
            <Empty title="Nothing asked yet">
              The answer comes here, and below it the trace of it while it is made.
            </Empty>
          )}
        </div>
      </div>
    </>
  );
}
