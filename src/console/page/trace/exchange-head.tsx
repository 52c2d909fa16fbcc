import type { ComponentChildren } from 'preact';
import { attribute } from '../../../telemetry/names.ts';
import { bytes, compact, count, dateAndClock, duration } from '../parts/format.ts';
import { OutcomeBadge } from '../parts/outcome.tsx';
import type { ExchangeFacts, Usage } from './exchange-facts.ts';
import { explain, titleOf } from './explain.ts';
import { numberOf } from './span-facts.ts';

/** One exchange in a line, what it cost, and how it ended in a sentence. */
export function ExchangeHead({ exchange }: { readonly exchange: ExchangeFacts }) {
  const { outcome, isRunning, model, upstream, status, startMs, error } = exchange;
  return (
    <section class="tr-exchange" aria-label="Exchange">
      <div class="tr-exchange-line">
        <OutcomeBadge outcome={outcome} isRunning={isRunning} />
        <strong class="tr-title mono" dir="auto">
          {titleOf(exchange)}
        </strong>
        {model && (
          <span class="tr-model" dir="auto" title={model}>
            {model}
          </span>
        )}
        {upstream && <span class="muted tr-upstream">via {upstream}</span>}
        {status !== undefined && <span class="chip num">{status}</span>}
        {error && <code class="tr-code">{error.code}</code>}
        <span class="muted num tr-when">{dateAndClock(startMs)}</span>
      </div>
      <p class="tr-explain" dir="auto">
        {explain(exchange)}
      </p>
      <dl class="tr-figures">
        <Figures exchange={exchange} />
      </dl>
    </section>
  );
}

function Figures({ exchange }: { readonly exchange: ExchangeFacts }) {
  const { isRunning, durationMs, firstTokenMs, tokensPerSecond, overheadMs, usage, attempts, kind } =
    exchange;
  return (
    <>
      <Figure name={isRunning ? 'So far' : 'Total'}>{duration(durationMs)}</Figure>
      {firstTokenMs !== undefined && <Figure name="First token">{duration(firstTokenMs)}</Figure>}
      {tokensPerSecond !== undefined && (
        <Figure name="Speed">{`${compact(Number(tokensPerSecond.toPrecision(3)))} tokens/s`}</Figure>
      )}
      {overheadMs !== undefined && <Figure name="Our overhead">{duration(overheadMs)}</Figure>}
      <Tokens usage={usage} />
      {attempts.length > 1 && <Figure name="Attempts">{count(attempts.length)}</Figure>}
      {kind === 'session' && <Traffic exchange={exchange} />}
    </>
  );
}

function Tokens({
  usage: { input, output, cacheRead, cacheCreation, reasoning },
}: {
  readonly usage: Usage;
}) {
  const cached = [
    cacheRead !== undefined && cacheRead > 0 && `${count(cacheRead)} cached`,
    cacheCreation !== undefined && cacheCreation > 0 && `${count(cacheCreation)} to cache`,
  ].filter(Boolean);
  return (
    <>
      {input !== undefined && (
        <Figure name="Tokens in">
          {count(input)}
          {cached.length > 0 && <small class="muted"> {cached.join(', ')}</small>}
        </Figure>
      )}
      {output !== undefined && (
        <Figure name="Tokens out">
          {count(output)}
          {reasoning !== undefined && reasoning > 0 && (
            <small class="muted"> {count(reasoning)} reasoning</small>
          )}
        </Figure>
      )}
    </>
  );
}

function Traffic({ exchange: { span } }: { readonly exchange: ExchangeFacts }) {
  if (!span) return null;
  const number = (key: string) => numberOf(span, key);
  const way = (messages: string, size: string) => (
    <>
      {count(number(messages))} <small class="muted">{bytes(number(size))}</small>
    </>
  );
  if (number(attribute.sessionClientMessages) === undefined) return null;
  return (
    <>
      <Figure name="Turns">{count(number(attribute.sessionTurns))}</Figure>
      <Figure name="Messages from client">
        {way(attribute.sessionClientMessages, attribute.sessionClientBytes)}
      </Figure>
      <Figure name="Messages to client">
        {way(attribute.sessionUpstreamMessages, attribute.sessionUpstreamBytes)}
      </Figure>
    </>
  );
}

function Figure({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="num">{children}</dd>
    </div>
  );
}
