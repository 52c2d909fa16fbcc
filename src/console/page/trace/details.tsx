import './details.css';
import type { SpanEvent, TraceSpan } from '../../../admin/api/traces.ts';
import { attribute, spanEvent } from '../../../telemetry/names.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Fact } from '../parts/fact.tsx';
import { clock, duration } from '../parts/format.ts';
import { address } from '../routes.ts';
import { AttributeRows, Attributes } from './attributes.tsx';
import { conversationOf } from './content.ts';
import { ConversationView } from './conversation.tsx';
import { endOf } from './layout.ts';
import { RoleIcon } from './role-icon.tsx';
import { labelOf, problemOf, roleNames, roleOf, shown, textOf } from './span-facts.ts';
import { timingsOf } from './timings.ts';

interface DetailsProps {
  readonly span: TraceSpan;
  /** When the trace began. */
  readonly originMs: number;
  readonly now: number;
  readonly isContentCaptured: boolean | undefined;
}

/** All that a span tells. */
export function SpanDetails({ span, originMs, now, isContentCaptured }: DetailsProps) {
  const exceptions = span.events.filter(({ name }) => name === spanEvent.exception);
  const events = span.events.filter(({ name }) => name !== spanEvent.exception);
  return (
    <>
      <DetailsHead span={span} originMs={originMs} now={now} />
      {exceptions.map((event) => (
        <Exception key={event.timeMs} event={event} />
      ))}
      <Timings span={span} now={now} />
      <Content span={span} isContentCaptured={isContentCaptured} />
      <Attributes attributes={span.attributes} />
      {events.length > 0 && <Events events={events} span={span} />}
      {span.links.length > 0 && <Links links={span.links} />}
    </>
  );
}

function DetailsHead({ span, originMs, now }: Omit<DetailsProps, 'isContentCaptured'>) {
  const role = roleOf(span);
  const { name, detail } = labelOf(span);
  const problem = problemOf(span);
  const version = textOf(span, attribute.pluginVersion);
  return (
    <header class="tr-details-head">
      <h2 dir="auto">
        <RoleIcon role={role} /> {name}
      </h2>
      <p class="muted">
        {roleNames[role]}
        {detail && ` · ${detail}`}
        {version && ` · version ${version}`}
      </p>
      {problem && <p class="tw-trouble">{problem}</p>}
      <dl class="tr-facts">
        <Fact name="Begins">
          <span title={clock(span.startMs)}>+{duration(span.startMs - originMs)}</span>
        </Fact>
        <Fact name={span.endMs === undefined ? 'So far' : 'Duration'}>
          {duration(endOf(span, now) - span.startMs)}
        </Fact>
        <Fact name="Span id">
          <span class="mono">{span.spanId}</span>
          <CopyButton text={span.spanId} label="Copy the span id" isSmall />
        </Fact>
      </dl>
    </header>
  );
}

function Exception({ event }: { readonly event: SpanEvent }) {
  const text = (key: string) => {
    const value = event.attributes?.[key];
    return value === undefined ? undefined : shown(value);
  };
  const stack = text(attribute.exceptionStacktrace);
  return (
    <section class="tr-exception">
      <strong class="mono">{text(attribute.exceptionType) ?? 'error'}</strong>
      <p dir="auto">{text(attribute.exceptionMessage)}</p>
      {stack && <pre>{stack}</pre>}
    </section>
  );
}

function Timings({ span, now }: Pick<DetailsProps, 'span' | 'now'>) {
  const timings = timingsOf(span, now);
  if (timings.length === 0) return null;
  return (
    <section class="tr-section">
      <h3>Time</h3>
      <dl class="tr-timings">
        {timings.map(({ name, value, isBad }, i) => (
          <Fact key={i} name={name} class={isBad ? 'tr-bad' : undefined}>
            {value}
          </Fact>
        ))}
      </dl>
    </section>
  );
}

function Content({ span, isContentCaptured }: Pick<DetailsProps, 'span' | 'isContentCaptured'>) {
  const role = roleOf(span);
  if (role !== 'attempt' && role !== 'turn') return null;
  const conversation = conversationOf(span);
  return (
    <section class="tr-section">
      <h3>Prompt and reply</h3>
      {conversation ? (
        <ConversationView conversation={conversation} />
      ) : (
        <p class="muted">{withoutContent(span, isContentCaptured)}</p>
      )}
    </section>
  );
}

function withoutContent(span: TraceSpan, isCaptured: boolean | undefined) {
  if (isCaptured !== true)
    return (
      <>
        Not captured. Start Sightline with{' '}
        <code>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY</code> to see them here.
      </>
    );
  return span.endMs === undefined ? 'They are told when it has ended.' : 'There is none that could be read.';
}

function Events({ events, span }: { readonly events: readonly SpanEvent[]; readonly span: TraceSpan }) {
  return (
    <section class="tr-section">
      <h3>Events</h3>
      <ol class="tr-events">
        {events.map(({ name, timeMs, attributes = {} }, i) => (
          <li key={i}>
            <div class="tr-event">
              <span class="mono">{name}</span>
              <span class="num muted">+{duration(timeMs - span.startMs)}</span>
            </div>
            <AttributeRows
              rows={Object.entries(attributes).flatMap(([key, value]) =>
                value === undefined ? [] : [{ key, value: shown(value) }],
              )}
            />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Links({ links }: Pick<TraceSpan, 'links'>) {
  return (
    <section class="tr-section">
      <h3>Links</h3>
      <ul class="tr-links">
        {links.map(({ traceId, spanId }) => (
          <li key={`${traceId}-${spanId}`}>
            <a class="mono" href={address('traces', { id: traceId, span: spanId })}>
              {traceId}
            </a>
            <span class="muted mono"> span {spanId}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
