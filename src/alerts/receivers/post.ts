import fetch from 'node-fetch';
import { statusesOfState } from '../../exchange/fault.ts';
import { scope } from '../../telemetry/names.ts';
import { readRetryAfter } from './retry-delay.ts';

/** Where a receiver is. */
export interface Target {
  /** Without user name and password, which node-fetch does not take. */
  readonly url: URL;
  /** Sent with each request. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** What one try came to. */
export type Answer =
  | { readonly isTaken: true }
  | {
      readonly isTaken: false;
      /** For the log; of an address, a header or a body it says nothing. */
      readonly problem: string;
      readonly isWorthRetrying: boolean;
      readonly retryAfterMs: number;
    };

/** One try. Never rejects. A redirect is an answer like any other: nobody is sent elsewhere with what we sign. */
export async function post(
  { url, headers }: Target,
  message: Post,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Answer> {
  // node-fetch would break its body off with an error that nobody hears, and the process with it.
  if (signal.aborted) return notTaken('given up', true);
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  signal.addEventListener('abort', giveUp, { once: true });
  const timer = setTimeout(giveUp, timeoutMs);
  timer.unref();
  try {
    const reply = await fetch(url.href, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': `${scope.name}/${scope.version}`,
        ...headers,
        ...message.headers,
      },
      body: message.body,
      signal: abort.signal,
    });
    // Its status is all that is wanted; what is not read fails when it is dropped.
    reply.body?.on('error', () => undefined).resume();
    abort.abort();
    return answerOf(reply.status, reply.headers.get('retry-after'));
  } catch (thrown) {
    return notTaken(abort.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(thrown), true);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

function answerOf(status: number, retryAfter: string | null): Answer {
  if (status >= 200 && status < 300) return { isTaken: true };
  const isWorthRetrying = status >= 500 || statusesOfState.has(status);
  return notTaken(`HTTP ${status}`, isWorthRetrying, readRetryAfter(retryAfter, Date.now()));
}

function notTaken(problem: string, isWorthRetrying: boolean, retryAfterMs = 0): Answer {
  return { isTaken: false, problem, isWorthRetrying, retryAfterMs };
}

/** Messages of node-fetch have the address in them, which can be a secret; the code says enough. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
}
