import './alerts.css';
import type { AlertLine } from '../../../admin/api/alerts.ts';
import { ago, timeOf } from '../parts/format.ts';
import { Empty, NotKnown } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { alerts, connection } from '../state/events.ts';
import { info } from '../state/info.ts';
import { now } from '../state/now.ts';
import { AlertCard, AlertRow } from './alert-card.tsx';
import { groupsOf } from './alert-figures.ts';

/** Every threshold with its state: what somebody should look at first, what is well last. */
export function AlertsPage({ query }: { readonly query: URLSearchParams }) {
  const known = alerts.value;
  const wanted = query.get('alert') ?? undefined;
  if (!known)
    return (
      <>
        <PageHead title="Alerts" />
        {connection.value === 'lost' ? (
          <NotKnown />
        ) : (
          <Empty title="Asking …">The thresholds come with the first evaluation.</Empty>
        )}
      </>
    );
  const { firing, pending, resolved, inactive } = groupsOf(known.alerts);
  const isQuiet = firing.length + pending.length + resolved.length === 0;
  return (
    <div class="alerts">
      <PageHead title="Alerts" note={<Evaluated at={known.evaluatedAt} />} />
      {isQuiet && known.evaluatedAt && <Quiet count={inactive.length} />}
      <Group title="Firing" alerts={firing} wanted={wanted} />
      <Group title="Pending" alerts={pending} wanted={wanted} />
      <Group title="Resolved" alerts={resolved} wanted={wanted} />
      <Inactive alerts={inactive} wanted={wanted} isOpen={isQuiet} />
    </div>
  );
}

interface GroupProps {
  readonly alerts: readonly AlertLine[];
  readonly wanted: string | undefined;
}

function Group({ title, alerts: members, wanted }: GroupProps & { readonly title: string }) {
  if (members.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2>
        {title} <span class="muted num">{members.length}</span>
      </h2>
      {members.map((alert) => (
        <AlertCard key={keyOf(alert)} alert={alert} isWanted={alert.id === wanted} />
      ))}
    </section>
  );
}

function Inactive({ alerts: members, wanted, isOpen }: GroupProps & { readonly isOpen: boolean }) {
  if (members.length === 0) return null;
  return (
    <details class="alerts-inactive" open={isOpen || members.some(({ id }) => id === wanted)}>
      <summary>
        <h2>
          Within their limits <span class="muted num">{members.length}</span>
        </h2>
      </summary>
      <div class="card alert-rows">
        {members.map((alert) => (
          <AlertRow key={keyOf(alert)} alert={alert} isWanted={alert.id === wanted} />
        ))}
      </div>
      {members.some(({ value }) => value === undefined) && (
        <p class="muted alerts-note">
          No figure: nothing of it was measured in the time that the alert looks at, or too few exchanges
          ended to say anything. That is within the limit.
        </p>
      )}
    </details>
  );
}

function Quiet({ count }: { readonly count: number }) {
  return (
    <div class="alerts-quiet">
      <svg class="alerts-quiet-sign" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
        <circle cx="24" cy="24" r="21" />
        <path d="M14 25l7 7 13-15" />
      </svg>
      <div>
        <strong>All quiet</strong>
        <div class="muted">
          {count === 1 ? 'The one threshold is' : `All ${count} thresholds are`} within the limit.
        </div>
      </div>
    </div>
  );
}

/** Nothing newer is known; twice late is worth a word. */
function Evaluated({ at }: { readonly at: string | undefined }) {
  if (at === undefined) return <>Not evaluated yet</>;
  const lateMs = now.value - Date.parse(at);
  const isLate = lateMs > Math.max(15_000, 3 * (info.value?.snapshotIntervalMs ?? 5_000));
  const words = `Evaluated at ${timeOf(at)}, ${ago(at, now.value)}`;
  return isLate ? <strong class="alerts-late">{words}</strong> : <span class="num">{words}</span>;
}

function keyOf({ id, of }: AlertLine): string {
  return `${id} ${of ?? ''}`;
}
