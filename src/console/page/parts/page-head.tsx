import './page-head.css';
import type { ComponentChildren } from 'preact';

export interface PageHeadProps {
  readonly title: string;
  /** Smaller, beside the title: what is shown, how many. */
  readonly note?: ComponentChildren;
  /** What one can do here. */
  readonly children?: ComponentChildren;
}

/** A view's title, where the focus is when one comes to it. */
export function PageHead({ title, note, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      {note && <div class="page-head-note">{note}</div>}
      {children && <div class="page-head-actions">{children}</div>}
    </div>
  );
}
