import '../../../src/console/page/styles/base.css';
import { render } from 'preact';
import { Boundary } from '../../../src/console/page/shell/boundary.tsx';

/* A view that can be told to throw. */

let message: string | undefined;

function Fragile() {
  if (message !== undefined) throw new Error(message);
  return <h1>It works</h1>;
}

function show(place: string, thrown?: string): void {
  message = thrown;
  const root = document.getElementById('app');
  if (root)
    render(
      <Boundary key={place}>
        <Fragile />
      </Boundary>,
      root,
    );
}

Object.assign(globalThis, {
  stage: {
    show,
    heal() {
      message = undefined;
    },
  },
});
