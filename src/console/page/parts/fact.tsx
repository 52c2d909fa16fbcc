import type { ComponentChildren } from 'preact';

export interface FactProps {
  readonly name: string;
  readonly children?: ComponentChildren;
  readonly class?: string | undefined;
  readonly title?: string | undefined;
}

/** A fact and its name, in a `dl`. */
export function Fact({ name, children, class: look, title }: FactProps) {
  return (
    <div class={look} title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
