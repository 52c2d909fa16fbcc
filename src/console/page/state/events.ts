import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { AlertsView } from '../../../admin/api/alerts.ts';
import type { ConsoleEvents, ExchangesTick } from '../../../admin/api/events.ts';
import type { Snapshot } from '../../../snapshots/snapshot.ts';
import { get } from './api.ts';
import { EventFeed } from './event-feed.ts';
import { info, loadInfo } from './info.ts';
import { withNewer } from './kept-snapshots.ts';
import { isLocked } from './session.ts';
import { wait } from './wait.ts';

/** `locked`: the service asks for its token. */
export type Connection = 'connecting' | 'open' | 'lost' | 'locked';

/** Oldest first: as many as the service keeps. */
export const snapshots: Signal<readonly Snapshot[]> = signal([]);
export const alerts: Signal<AlertsView | undefined> = signal(undefined);
/** An exchange has begun or ended. */
export const tick: Signal<ExchangesTick | undefined> = signal(undefined);
/** Counts up when something about the plugins has changed. */
export const pluginsChanged: Signal<number> = signal(0);

/** Hidden for so long, the page lets go of its stream. */
const patienceMs = 30_000;
/** Where nothing comes for so long, the connection is lost; where snapshots are rare, for three of them. */
const silenceMsMax = 20_000;
/** Until the service has said how many it keeps. */
const snapshotsMax = 1_000;

const listeners: { readonly [Name in keyof ConsoleEvents]: (data: ConsoleEvents[Name]) => void } = {
  snapshot: (data) => keep([data]),
  exchanges: (data) => {
    tick.value = data;
  },
  alerts: (data) => {
    alerts.value = data;
  },
  plugins: () => {
    pluginsChanged.value += 1;
  },
};

const feed = new EventFeed({
  greet: async () => {
    await loadInfo();
    await loadSnapshots();
  },
  open: () => new EventSource(sinceLast('/api/events')),
  listeners,
  // A snapshot comes at each interval.
  silenceMsMax: () => Math.max(silenceMsMax, 3 * (info.peek()?.snapshotIntervalMs ?? 0)),
  wait,
});

export const connection: ReadonlySignal<Connection> = computed(() => {
  if (isLocked.value) return 'locked';
  return feed.state.value === 'idle' ? 'connecting' : feed.state.value;
});

/** ms since the epoch, where the connection is lost. */
export const lostAt: ReadonlySignal<number | undefined> = feed.lostAt;

/** Counts the times that the stream came back after it was lost, or let go: what was asked before may be outdated. */
export const reconnects: ReadonlySignal<number> = computed(() => Math.max(0, feed.openings.value - 1));

/** Once, when the page begins. */
export function startEvents(): void {
  isLocked.subscribe((locked) => (locked ? lock() : follow()));
  document.addEventListener('visibilitychange', follow);
  addEventListener('online', () => feed.start());
}

/** Now, where the next try would come later. */
export function reconnect(): void {
  if (!isLocked.peek()) feed.start();
}

let letGo: ReturnType<typeof setTimeout> | undefined;

function follow(): void {
  clearTimeout(letGo);
  if (isLocked.peek()) return;
  if (document.hidden) letGo = setTimeout(() => feed.stop(), patienceMs);
  else feed.start();
}

/** What the page knows is nobody's to see now. */
function lock(): void {
  feed.stop();
  info.value = undefined;
  snapshots.value = [];
  alerts.value = undefined;
  tick.value = undefined;
}

async function loadSnapshots(): Promise<void> {
  const answer = await get<{ snapshots: readonly Snapshot[] }>(sinceLast('/api/metrics/snapshots'));
  keep(answer.snapshots);
}

function keep(more: readonly Snapshot[]): void {
  snapshots.value = withNewer(snapshots.peek(), more, info.peek()?.snapshotsMax ?? snapshotsMax);
}

/** What came after the last snapshot that is here: all that are kept where none is. */
function sinceLast(path: string): string {
  return `${path}?since=${snapshots.peek().at(-1)?.at ?? 0}`;
}
