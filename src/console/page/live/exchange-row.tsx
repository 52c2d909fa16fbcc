import './exchange-row.css';
import type { ComponentChildren } from 'preact';
import type { ExchangeLine } from '../../../admin/api/exchanges.ts';
import { clock, compact, count, counted, dateAndClock, duration } from '../parts/format.ts';
import { OutcomeBadge, wordsOf } from '../parts/outcome.tsx';
import { info } from '../state/info.ts';
import { now } from '../state/now.ts';
import { traceAddress } from '../trace/trace-address.ts';

/** What is true of the list at this moment, for all of its rows. */
export interface Moment {
  /** When the service told of those in flight, by the clock of this page. */
  readonly toldAt: number;
  readonly isPaused: boolean;
  /** The duration that fills a bar, ms. */
  readonly scaleMs: number;
}

const columns = ['Began', 'Outcome', 'Exchange', 'Upstream', 'Tenant', 'Tokens', 'First token', 'Duration'];

export function ExchangeHeader() {
  return (
    <div class="exchange" role="none">
      {columns.map((column) => (
        <div key={column} role="columnheader" class={`x-${column.toLowerCase().replace(' ', '-')}`}>
          {column}
        </div>
      ))}
    </div>
  );
}

export function ExchangeRow({ line, moment }: { readonly line: ExchangeLine; readonly moment: Moment }) {
  const isRunning = line.outcome === undefined;
  const began = Date.parse(line.startedAt);
  return (
    <div class={`exchange${isRunning ? ' running' : ''}`} role="none">
      <div role="gridcell" class="x-began num" title={timesOf(line, began)}>
        {clock(began)}
      </div>
      <div role="gridcell" class="x-outcome">
        <OutcomeBadge outcome={line.outcome} />
      </div>
      <div role="gridcell" class="x-exchange">
        <Name line={line} />
        <Remarks line={line} />
      </div>
      <Text name="upstream" text={line.upstream} />
      <Text name="tenant" text={line.tenant} />
      <div role="gridcell" class="x-tokens num">
        <Tokens line={line} />
      </div>
      <div role="gridcell" class="x-first-token num">
        {line.firstTokenMs !== undefined && duration(line.firstTokenMs)}
      </div>
      <div role="gridcell" class="x-duration num">
        {isRunning && !moment.isPaused ? (
          <Elapsed line={line} moment={moment} />
        ) : (
          <Duration ms={line.durationMs} line={line} scaleMs={moment.scaleMs} />
        )}
      </div>
    </div>
  );
}

function timesOf({ durationMs, outcome }: ExchangeLine, began: number): string {
  const ended = outcome === undefined ? '' : `\nEnded ${dateAndClock(began + durationMs)}`;
  return `Began ${dateAndClock(began)}${ended}`;
}

/** What was asked for: the model where there is one. The link is for the pointer; a row is opened with Enter. */
function Name({ line }: { readonly line: ExchangeLine }) {
  const { model, method, path } = line;
  const request = `${method} ${path}`;
  const href = traceAddress(line);
  const name = model ?? request;
  const title = model === undefined ? request : `${model}\n${request}`;
  return (
    <>
      {href === undefined ? (
        <span class="x-name clip" dir="auto" title={title}>
          {name}
        </span>
      ) : (
        <a class="x-name clip" dir="auto" title={title} href={href} tabIndex={-1}>
          {name}
        </a>
      )}
      {model !== undefined && (
        <span class="x-path clip muted" dir="auto" title={request}>
          {method === 'POST' ? path : request}
        </span>
      )}
    </>
  );
}

/** What is out of the ordinary. */
function Remarks({ line }: { readonly line: ExchangeLine }) {
  const { kind, turn, session, attempts, error, outcome, isSampled } = line;
  return (
    <>
      {kind === 'session' && <Chip>session · {counted(session?.turns ?? 0, 'turn')}</Chip>}
      {kind === 'turn' && <Chip>turn {turn}</Chip>}
      {attempts > 1 && (
        <Chip kind="warn" title="It was tried again, or elsewhere">
          {attempts} attempts
        </Chip>
      )}
      {!isSampled && info.value?.isTelemetryEnabled !== false && (
        <Chip title="A sampler has left it out: there is no trace of it">not sampled</Chip>
      )}
      {error !== undefined && error !== outcome && (
        <Chip kind="bad" title={`Ended by ${error}`}>
          {wordsOf(error)}
        </Chip>
      )}
    </>
  );
}

interface ChipProps {
  readonly kind?: 'warn' | 'bad';
  readonly title?: string;
  readonly children: ComponentChildren;
}

function Chip({ kind, title, children }: ChipProps) {
  return (
    <span class={`chip x-chip${kind ? ` ${kind}` : ''}`} title={title}>
      {children}
    </span>
  );
}

function Text({ name, text }: { readonly name: string; readonly text: string | undefined }) {
  return (
    <div role="gridcell" class={`x-${name} clip`} dir="auto" title={text}>
      {text}
    </div>
  );
}

/** Into the model → out of it; while it runs, how fast they come. */
function Tokens({ line }: { readonly line: ExchangeLine }) {
  const { inputTokens, outputTokens, outcome, outputChunks, tokensPerSecond } = line;
  if (outcome === undefined) {
    // What an upstream says before the end may be a beginning only.
    const sofar = Math.max(outputTokens ?? 0, outputChunks);
    if (sofar === 0) return null;
    const speed = tokensPerSecond === undefined ? '' : ` · ${compact(Math.round(tokensPerSecond))}/s`;
    return (
      <span>
        {compact(sofar)}
        {speed}
      </span>
    );
  }
  if (inputTokens === undefined && outputTokens === undefined) return null;
  return (
    <span title={`${count(inputTokens)} in, ${count(outputTokens)} out`}>
      {compact(inputTokens)} <span class="muted">→</span> {compact(outputTokens)}
    </span>
  );
}

/** Only this one is drawn again as time goes by. */
function Elapsed({ line, moment }: { readonly line: ExchangeLine; readonly moment: Moment }) {
  const ms = line.durationMs + Math.max(0, now.value - moment.toldAt);
  return <Duration ms={ms} line={line} scaleMs={moment.scaleMs} />;
}

interface DurationProps {
  readonly ms: number;
  readonly line: ExchangeLine;
  readonly scaleMs: number;
}

function Duration({ ms, line, scaleMs }: DurationProps) {
  const share = line.kind === 'session' ? 0 : Math.min(1, ms / scaleMs);
  return (
    <>
      <span class="x-ms">{duration(ms)}</span>
      <span class={`x-bar${ms > scaleMs ? ' beyond' : ''}`} aria-hidden="true">
        <span style={{ transform: `scaleX(${share.toFixed(3)})` }} />
      </span>
    </>
  );
}
