import { timeOf } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import { address, route } from '../routes.ts';
import { connection, lostAt, reconnect } from '../state/events.ts';
import { info } from '../state/info.ts';
import { now } from '../state/now.ts';
import { signOutProblem } from './sign-out.ts';

/** Somebody else may have made it. */
const addressCharsMax = 100;

/** Above every view: what makes all of it less than it seems. */
export function Banners() {
  return (
    <div class="banners">
      {connection.value === 'lost' && <Lost />}
      <NoSuchView />
      {info.value?.isTelemetryEnabled === false && (
        <Notice kind="warn" title="Telemetry is switched off">
          <code>OTEL_SDK_DISABLED</code> is set: requests leave no traces here, and nothing is counted of
          them.
        </Notice>
      )}
      {signOutProblem.value && (
        <Notice
          kind="error"
          title="You are still signed in"
          actions={
            <button
              type="button"
              class="button"
              onClick={() => {
                signOutProblem.value = undefined;
              }}
            >
              Close
            </button>
          }
        >
          {signOutProblem.value}
        </Notice>
      )}
    </div>
  );
}

/** An address that was typed, or came cut off in a message. */
function NoSuchView() {
  const { unknown } = route.value;
  if (unknown === undefined) return null;
  return (
    <Notice
      kind="warn"
      title="There is no such view"
      actions={
        <a class="button" href={address('live')}>
          Close
        </a>
      }
    >
      The address asks for <code dir="auto">{unknown.slice(0, addressCharsMax)}</code>: this is Live.
    </Notice>
  );
}

/** A service that restarts is back before one has read that it was gone. */
const patienceMs = 1_500;

function Lost() {
  const since = lostAt.value;
  if (since === undefined || now.value - since < patienceMs) return null;
  return (
    <Notice
      kind="error"
      title="No connection to Sightline"
      actions={
        <button type="button" class="button" onClick={reconnect}>
          Try now
        </button>
      }
    >
      {info.value
        ? `Since ${timeOf(since)}. What you see is as it was then; the page connects again by itself.`
        : 'It has told nothing so far; the page connects by itself as soon as it answers.'}
    </Notice>
  );
}
