import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { Fact } from '../parts/fact.tsx';
import { compact, duration } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import { now } from '../state/now.ts';
import type { ContentPart } from '../trace/content.ts';
import type { Answer } from './answer.ts';
import { type Run, type RunState, speedOf } from './run.ts';

const stateWords: Readonly<Record<RunState, string>> = {
  sending: 'Waiting for the reply …',
  receiving: 'The reply comes in …',
  ended: 'The reply is here',
  stopped: 'Stopped: the client hung up',
  broken: 'The reply broke off',
};

/** What comes back, as it comes. */
export function AnswerView({ run }: { readonly run: Run }) {
  const [isRaw, setRaw] = useState(false);
  const answer = run.answer.value;
  return (
    <section class="card try-answer" aria-label="Answer" aria-busy={run.isRunning}>
      <header class="try-answer-head">
        <h2>Answer</h2>
        <div class="try-switch" role="group" aria-label="Form of the answer">
          <button type="button" class="button" aria-pressed={!isRaw} onClick={() => setRaw(false)}>
            Text
          </button>
          <button type="button" class="button" aria-pressed={isRaw} onClick={() => setRaw(true)}>
            As it came
          </button>
        </div>
      </header>
      <Facts run={run} answer={answer} />
      <Problem run={run} answer={answer} />
      {isRaw ? <Raw run={run} /> : <Parts run={run} answer={answer} />}
      <Announcement run={run} />
    </section>
  );
}

interface PartProps {
  readonly run: Run;
  readonly answer: Answer;
}

function Facts({ run, answer }: PartProps) {
  const status = run.status.value;
  return (
    <dl class="try-facts">
      {status !== undefined && (
        <Fact name="Status" class={status >= 400 ? 'bad' : undefined}>
          {status}
        </Fact>
      )}
      {run.isRunning ? <RunningFacts run={run} answer={answer} /> : <EndedFacts run={run} answer={answer} />}
      {answer.finishReason !== undefined && <Fact name="Finish">{answer.finishReason}</Fact>}
    </dl>
  );
}

function RunningFacts({ run, answer }: PartProps) {
  return <Times run={run} answer={answer} until={now.value} />;
}

function EndedFacts({ run, answer }: PartProps) {
  return <Times run={run} answer={answer} until={run.endedAt.value ?? run.startedAt} />;
}

function Times({ run, answer, until }: PartProps & { readonly until: number }) {
  const { inputTokens, outputTokens, outputs } = answer;
  const firstAt = run.firstOutputAt.value;
  const speed = speedOf(answer, firstAt, until);
  const out = outputTokens ?? (run.isRunning ? outputs : undefined);
  return (
    <>
      <Fact name="Time">{duration(Math.max(until, firstAt ?? run.startedAt) - run.startedAt)}</Fact>
      {firstAt !== undefined && (
        <Fact
          name="First token here"
          title="As this page saw it, one hop behind a client: the trace has the figure of the proxy"
        >
          {duration(firstAt - run.startedAt)}
        </Fact>
      )}
      {out !== undefined && (
        <Fact name="Tokens">
          {inputTokens === undefined ? compact(out) : `${compact(inputTokens)} → ${compact(out)}`}
        </Fact>
      )}
      {speed !== undefined && <Fact name="Speed">{`${compact(Math.round(speed))}/s`}</Fact>}
    </>
  );
}

function Problem({ run, answer }: PartProps) {
  const problem = run.problem.value;
  const isCutShort =
    run.state.value === 'ended' && !answer.isWhole && answer.error === undefined && answer.outputs > 0;
  return (
    <>
      {answer.error !== undefined && (
        <Notice
          kind="error"
          title={run.status.value === 200 ? 'An error within the reply' : `Refused with ${run.status.value}`}
        >
          {answer.error}
        </Notice>
      )}
      {problem !== undefined && (
        <Notice kind="error" title={run.status.value === undefined ? 'No reply' : 'Broken off'}>
          {problem}
        </Notice>
      )}
      {isCutShort && (
        <Notice kind="warn" title="The stream ended without its last event">
          What there is may not be all of the answer.
        </Notice>
      )}
    </>
  );
}

const partNames: Readonly<Record<ContentPart['kind'], string | undefined>> = {
  text: undefined,
  reasoning: 'Reasoning',
  refusal: 'Refusal',
  tool_call: 'Tool call',
  tool_response: 'Tool result',
  other: 'Attachment',
};

function Parts({ run, answer }: PartProps) {
  const { parts, isCut } = answer;
  if (parts.length === 0) return <p class="muted try-wait">{emptyText(run)}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: one scrolls it with the keyboard.
    <section class="try-parts" aria-label="Text of the answer" tabIndex={0}>
      {parts.map((part, i) => (
        <Part key={i} part={part} />
      ))}
      {isCut && <p class="muted">More came than is shown here.</p>}
    </section>
  );
}

function emptyText(run: Run): string {
  if (run.isRunning) return stateWords[run.state.value];
  return run.answer.value.error === undefined && run.problem.value === undefined
    ? 'The reply has no text in it that is understood here: see it as it came.'
    : '';
}

function Part({ part: { kind, title, text, isCode } }: { readonly part: ContentPart }) {
  const heading = partNames[kind];
  return (
    <div class={heading === undefined ? 'try-part' : `try-part try-aside try-part-${kind}`}>
      {heading !== undefined && (
        <h3>
          {heading} {isCode && <code>{title}</code>}
        </h3>
      )}
      <p class={isCode ? 'mono' : undefined} dir="auto">
        {text}
      </p>
    </div>
  );
}

function Raw({ run }: { readonly run: Run }) {
  const raw = run.raw.value;
  return (
    <div class="try-raw">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: one scrolls it with the keyboard. */}
      <pre tabIndex={0} role="region" aria-label="The reply as it came">
        {raw === '' ? stateWords[run.state.value] : raw}
      </pre>
      <div class="toolbar">
        <CopyButton text={() => run.raw.peek()} label="Copy" />
        {run.isRawCut.value && <span class="muted">The beginning: it is longer.</span>}
      </div>
    </div>
  );
}

const spokenCharsMax = 4_000;

/** For those who listen: that the answer begins, and all of it once it is there, not each token. */
function Announcement({ run }: { readonly run: Run }) {
  const state = run.state.value;
  const isFirst = useRef(true);
  const [said, setSaid] = useState('');
  useEffect(() => {
    // Of a run that had ended before one came here nothing is told.
    if (isFirst.current && !run.isRunning) return;
    isFirst.current = false;
    setSaid(spoken(run, state));
  }, [run, state]);
  return (
    <p class="visually-hidden" role="status" aria-live="polite">
      {said}
    </p>
  );
}

function spoken(run: Run, state: RunState): string {
  const words = stateWords[state];
  if (state === 'sending' || state === 'receiving') return words;
  const texts = run.answer.peek().parts.filter(({ kind }) => kind === 'text');
  return `${words}: ${texts.map(({ text }) => text).join(' ')}`.slice(0, spokenCharsMax);
}
