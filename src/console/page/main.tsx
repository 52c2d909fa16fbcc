import './styles/base.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { listenToKeys } from './parts/keys.ts';
import { startEvents } from './state/events.ts';
import { listenToOtherTabs } from './state/session.ts';

const root = document.getElementById('app');
if (root) {
  startEvents();
  listenToOtherTabs();
  listenToKeys();
  render(<App />, root);
}
