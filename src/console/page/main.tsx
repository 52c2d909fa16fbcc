import './styles/base.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { listenToKeys } from './parts/keys.ts';
import { startEvents } from './state/events.ts';

const root = document.getElementById('app');
if (root) {
  startEvents();
  listenToKeys();
  render(<App />, root);
}
