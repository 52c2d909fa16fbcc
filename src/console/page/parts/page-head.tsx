import './page-head.css';
import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

export interface PageHeadProps {
  readonly title: string;
  /** The list that this is one of. */
  readonly back?: { readonly title: string; readonly href: string };
  /** Smaller, beside the title: what is shown, how many. */
  readonly note?: ComponentChildren;
  /** What one can do here. */
  readonly children?: ComponentChildren;
}

/** A view's title, where the focus is when one comes to it. */
export function PageHead({ title, back, note, children }: PageHeadProps) {
  return (
    <div class="page-head">
      {back && (
        <a class="page-head-back" href={back.href}>
          <Icon name="back" />
          <span class="visually-hidden">Back to </span>
          {back.title}
        </a>
      )}
      <h1 tabIndex={-1}>{title}</h1>
      {note && <div class="page-head-note">{note}</div>}
      {children && <div class="page-head-actions">{children}</div>}
    </div>
  );
}
