import './exchange-head.css';
import { attribute } from '../../../telemetry/names.ts';
import { Fact } from '../parts/fact.tsx';
import { bytes, compact, count, dateAndClock, duration } from '../parts/format.ts';
import { OutcomeBadge } from '../parts/outcome.tsx';
import type { ExchangeFacts, Usage } from './exchange-facts.ts';
import { explain, isTold, titleOf } from './explain.ts';
import { numberOf } from './span-facts.ts';

/** One exchange in a line, what it cost, and how it ended in a sentence. */
export function ExchangeHead({ exchange }: { readonly exchange: ExchangeFacts }) {
  const { outcome, isRunning, model, upstream, status, startMs, error } = exchange;
  return (
    <section class="tr-exchange" aria-label="Exchange">
      <div class="tr-exchange-line">
        <OutcomeBadge outcome={outcome} isRunning={isRunning} />
        <strong class="tr-title mono" dir="auto" title={titleOf(exchange)}>
          {titleOf(exchange)}
        </strong>
        {model && (
          <span class="tr-model" dir="auto" title={model}>
            {model}
          </span>
        )}
        {upstream && <span class="muted tr-upstream">via {upstream}</span>}
        {status !== undefined && <span class="chip num">{status}</span>}
        {isTold(error, status) && <code class="tr-code">{error.code}</code>}
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
      <Fact name={isRunning ? 'So far' : 'Total'}>{duration(durationMs)}</Fact>
      {firstTokenMs !== undefined && <Fact name="First token">{duration(firstTokenMs)}</Fact>}
      {tokensPerSecond !== undefined && (
        <Fact name="Speed">{`${compact(Number(tokensPerSecond.toPrecision(3)))} tokens/s`}</Fact>
      )}
      {overheadMs !== undefined && <Fact name="Our overhead">{duration(overheadMs)}</Fact>}
      <Tokens usage={usage} />
      {attempts.length > 1 && <Fact name="Attempts">{count(attempts.length)}</Fact>}
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
        <Fact name="Tokens in">
          {count(input)}
          {cached.length > 0 && <small class="muted"> {cached.join(', ')}</small>}
        </Fact>
      )}
      {output !== undefined && (
        <Fact name="Tokens out">
          {count(output)}
          {reasoning !== undefined && reasoning > 0 && (
            <small class="muted"> {count(reasoning)} reasoning</small>
          )}
        </Fact>
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
      <Fact name="Turns">{count(number(attribute.sessionTurns))}</Fact>
      <Fact name="Messages from client">
        {way(attribute.sessionClientMessages, attribute.sessionClientBytes)}
      </Fact>
      <Fact name="Messages to client">
        {way(attribute.sessionUpstreamMessages, attribute.sessionUpstreamBytes)}
      </Fact>
    </>
  );
}
