import { Component, type ComponentChildren } from 'preact';
import { Notice } from '../parts/notice.tsx';
import { address } from '../routes.ts';

interface BoundaryProps {
  readonly children: ComponentChildren;
}

interface BoundaryState {
  readonly thrown: unknown;
  readonly hasThrown: boolean;
}

/** A view that throws takes nothing but itself away. Give it the place as its key: elsewhere it begins anew. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { thrown: undefined, hasThrown: false };

  static override getDerivedStateFromError(thrown: unknown): BoundaryState {
    return { thrown, hasThrown: true };
  }

  override componentDidCatch(thrown: unknown): void {
    // For the browser's console, with the way to it.
    reportError(thrown);
  }

  override render({ children }: BoundaryProps, { thrown, hasThrown }: BoundaryState) {
    if (!hasThrown) return children;
    return (
      <>
        <h1 tabIndex={-1} class="visually-hidden">
          This view has failed
        </h1>
        <Notice
          kind="error"
          title="This view has failed"
          actions={
            <>
              <button
                type="button"
                class="button"
                onClick={() => this.setState({ thrown: undefined, hasThrown: false })}
              >
                Show it again
              </button>
              <a class="button" href={address('live')}>
                To Live
              </a>
            </>
          }
        >
          {thrown instanceof Error ? thrown.message : String(thrown)}
        </Notice>
      </>
    );
  }
}
