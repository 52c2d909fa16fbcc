import fetch from 'node-fetch';
import { scope } from '../../telemetry/names.ts';
import { readRetryAfter } from './retry-delay.ts';

/** Where a receiver is. */
export interface Target {
  /** Without user name and password. */
  readonly url: string;
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

/** What the address says of user and password goes into a header: node-fetch takes no such address. */
export function targetOf(address: URL, headers: Readonly<Record<string, string>> = {}): Target {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const userInfo = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return {
    url: url.href,
    headers: username || password ? { authorization: `Basic ${userInfo}`, ...headers } : headers,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

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
    const reply = await fetch(url, {
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
  const isWorthRetrying = status === 429 || status >= 500;
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
