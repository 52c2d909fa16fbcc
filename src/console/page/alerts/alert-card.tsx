import type { ComponentChildren } from 'preact';
import type { AlertLine } from '../../../admin/api/alerts.ts';
import { ago, duration, timeOf } from '../parts/format.ts';
import { useSight } from '../parts/use-sight.ts';
import { now } from '../state/now.ts';
import {
  barOf,
  conditionInWords,
  firesInWords,
  isBeyond,
  piecesOf,
  resolvesInWords,
  valueInWords,
} from './alert-figures.ts';
import { linksOf } from './alert-links.ts';
import { StateBadge } from './state-badge.tsx';

export interface AlertProps {
  readonly alert: AlertLine;
  /** One was led here: it is brought into sight. */
  readonly isWanted: boolean;
}

/** An alert that somebody should know of, with all that there is to say. */
export function AlertCard({ alert, isWanted }: AlertProps) {
  const card = useSight<HTMLElement>(isWanted);
  const { title, of, state, severity, summary } = alert;
  return (
    <article class={`card alert is-${state} is-${severity} ${isWanted ? 'is-wanted' : ''}`} ref={card}>
      <header class="alert-head">
        <StateBadge state={state} severity={severity} />
        <h3>
          {title}
          <Owner of={of} />
        </h3>
        <span class={`chip is-${severity}`}>{severity}</span>
        <Since alert={alert} />
      </header>
      <p class="alert-summary">{summary}</p>
      <Figure alert={alert} />
      <Recovering alert={alert} />
      <WhatToDo alert={alert} />
    </article>
  );
}

/** One that nothing is wrong with: a line, which opens. */
export function AlertRow({ alert, isWanted }: AlertProps) {
  const row = useSight<HTMLDetailsElement>(isWanted);
  const { title, of, state, severity, summary } = alert;
  return (
    <details class={`alert-row ${isWanted ? 'is-wanted' : ''}`} open={isWanted} ref={row}>
      <summary>
        <StateBadge state={state} severity={severity} />
        <span class="alert-title">
          {title}
          <Owner of={of} />
        </span>
        <Figure alert={alert} />
      </summary>
      <div class="alert-more">
        <p>
          Would say: “{summary}” <span class="muted">({severity})</span>
        </p>
        <WhatToDo alert={alert} />
      </div>
    </details>
  );
}

function Owner({ of }: { readonly of: string | undefined }) {
  if (of === undefined) return null;
  return (
    <>
      {' '}
      <span class="alert-of">
        of <bdi>{of}</bdi>
      </span>
    </>
  );
}

/** How far the figure is from its limit. */
function Figure({ alert }: { readonly alert: AlertLine }) {
  const value = valueInWords(alert);
  return (
    <span class={`alert-figure ${isBeyond(alert) ? 'is-beyond' : ''}`}>
      <LimitBar alert={alert} />
      <span class="alert-value num">{value ?? 'no figure'}</span>
      <span class="muted">alerts {conditionInWords(alert)}</span>
    </span>
  );
}

/** Why one fires whose figure is not beyond its limit. */
function Recovering({ alert }: { readonly alert: AlertLine }) {
  const { withinSince, value } = alert;
  if (withinSince === undefined) return null;
  return (
    <p class="alert-recovering">
      {value === undefined ? 'Without a figure' : 'Within the limit again'} since {timeOf(withinSince)}: it{' '}
      {resolvesInWords(alert, now.value)} if it stays so.
    </p>
  );
}

/** The words beside it say the same. */
function LimitBar({ alert }: { readonly alert: AlertLine }) {
  const bar = barOf(alert);
  if (!bar) return <span class="limit-bar" aria-hidden="true" />;
  const [limit, value] = [bar.limit * 100, bar.value * 100];
  const isAbove = alert.comparison === 'above';
  return (
    <svg
      class="limit-bar"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <rect class="limit-bar-ground" width="100" height="10" />
      <rect
        class="limit-bar-beyond"
        x={isAbove ? limit : 0}
        width={isAbove ? 100 - limit : limit}
        height="10"
      />
      <rect class="limit-bar-value" width={value} y="2.5" height="5" />
      <line class="limit-bar-mark" x1={limit} x2={limit} y1="0" y2="10" />
    </svg>
  );
}

/** Goes on while one looks. */
function Since({ alert }: { readonly alert: AlertLine }) {
  const { state, since, firedAt } = alert;
  const fires = firesInWords(alert, now.value);
  const isOver = state === 'resolved';
  const lasted = isOver && firedAt ? `, after ${duration(Date.parse(since) - Date.parse(firedAt))}` : '';
  return (
    <time class="alert-since muted num" dateTime={since}>
      {isOver ? 'at' : 'since'} {timeOf(since)}, {ago(since, now.value)}
      {lasted}
      {fires && `; ${fires}`}
    </time>
  );
}

function WhatToDo({ alert }: { readonly alert: AlertLine }) {
  const links = linksOf(alert, now.peek());
  return (
    <div class="alert-action">
      <h4>What to do</h4>
      <p>
        {piecesOf(alert.action).map<ComponentChildren>(({ text, isCode }) =>
          isCode ? <code key={text}>{text}</code> : text,
        )}
      </p>
      {links.length > 0 && (
        <p class="toolbar">
          {links.map(({ title, href }) => (
            <a key={title} class="button" href={href}>
              {title}
            </a>
          ))}
        </p>
      )}
    </div>
  );
}
