import './notice.css';
import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

export interface NoticeProps {
  readonly kind: 'info' | 'warn' | 'error';
  readonly title: string;
  readonly children?: ComponentChildren;
  /** Buttons and links at its end. */
  readonly actions?: ComponentChildren;
}

/** Something that one has to know. An error is told at once to those who listen. */
export function Notice({ kind, title, children, actions }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      <Icon name={kind} />
      <div class="notice-text">
        <strong>{title}</strong>
        {children && <div>{children}</div>}
      </div>
      {actions && <div class="notice-actions">{actions}</div>}
    </div>
  );
}

/** In place of a list, or a chart, that has nothing to show: what will be here, and how it comes. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <div>{children}</div>}
    </div>
  );
}

/** In place of a view of which nothing has come so far, and why. */
export function NotKnown({ children }: { readonly children?: ComponentChildren }) {
  return (
    <Empty title="Not known yet">{children ?? 'Sightline does not answer. It is asked until it does.'}</Empty>
  );
}
