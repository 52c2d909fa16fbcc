import './login.css';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { duration } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { Mark } from '../shell/mark.tsx';
import { ApiError, post } from '../state/api.ts';
import { now } from '../state/now.ts';
import { signedIn } from '../state/session.ts';

interface Refusal {
  readonly text: string;
  /** ms since the epoch: before it, another try is in vain. */
  readonly until: number | undefined;
}

/** Asks for the admin token, and then leads where one wanted to be. */
export function LoginPage() {
  const field = useRef<HTMLInputElement>(null);
  const [isShown, setShown] = useState(false);
  const [isSending, setSending] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const id = useId();
  useEffect(() => field.current?.focus(), []);
  const waitMs = refusal?.until === undefined ? 0 : Math.max(0, refusal.until - now.value);

  const send = async () => {
    const token = field.current?.value.trim() ?? '';
    if (token === '') setRefusal({ text: 'Enter the token first.', until: undefined });
    else {
      setSending(true);
      const failed = await signIn(token);
      setSending(false);
      setRefusal(failed);
      if (!failed) {
        signedIn();
        return;
      }
    }
    field.current?.focus();
    field.current?.select();
  };

  return (
    <main class="login" tabIndex={-1}>
      <form
        class="login-card card"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSending && waitMs === 0) void send();
        }}
      >
        <div class="login-brand">
          <Mark />
          <span>Sightline</span>
        </div>
        <h1 tabIndex={-1}>Sign in</h1>
        <p class="muted">This service asks for its admin token before it shows anything.</p>
        {/* Managers of passwords keep a name beside each. */}
        <input type="text" autocomplete="username" value="admin" readOnly hidden />
        <label for={`${id}-token`}>Admin token</label>
        <div class="login-field">
          <input
            ref={field}
            id={`${id}-token`}
            class="field mono"
            {...(isShown ? { type: 'text' } : { type: 'password' })}
            name="token"
            autocomplete="current-password"
            autocapitalize="none"
            spellcheck={false}
            aria-invalid={refusal !== undefined}
            aria-describedby={`${id}-refusal`}
            onInput={() => {
              if (refusal?.until === undefined) setRefusal(undefined);
            }}
          />
          <button
            type="button"
            class="button icon-only"
            aria-pressed={isShown}
            title="Show the token"
            onClick={() => setShown(!isShown)}
          >
            <Icon name="eye" />
            <span class="visually-hidden">Show the token</span>
          </button>
        </div>
        <p class="login-refusal" id={`${id}-refusal`} role="alert">
          {refusal && (
            <>
              <Icon name="error" />
              <span>{refusal.text}</span>
            </>
          )}
        </p>
        <button type="submit" class="button primary" disabled={isSending || waitMs > 0}>
          {waitMs > 0 ? `Again in ${duration(Math.ceil(waitMs / 1_000) * 1_000)}` : 'Sign in'}
        </button>
        <TokenHelp />
      </form>
    </main>
  );
}

function TokenHelp() {
  return (
    <details class="login-help">
      <summary>Where is the token?</summary>
      <p>Whoever started Sightline has set it, in one of these:</p>
      <ul>
        <li>
          the environment variable <code>SIGHTLINE_ADMIN_TOKEN</code>
        </li>
        <li>
          <code>admin.token</code> in the configuration
        </li>
        <li>
          the file that <code>SIGHTLINE_ADMIN_TOKEN_FILE</code> or <code>admin.tokenFile</code> names
        </li>
      </ul>
    </details>
  );
}

async function signIn(token: string): Promise<Refusal | undefined> {
  try {
    await post('/api/session', { token });
    return undefined;
  } catch (thrown) {
    return refusalOf(thrown);
  }
}

function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof ApiError)) return { text: String(thrown), until: undefined };
  if (thrown.status === 401) return { text: 'This is not the token of this service.', until: undefined };
  if (thrown.status !== 429) return { text: thrown.message, until: undefined };
  return { text: 'Too many tries with a wrong token.', until: Date.now() + (thrown.retryAfterMs ?? 10_000) };
}
