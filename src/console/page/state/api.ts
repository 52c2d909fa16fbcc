import type { ApiProblem } from '../../../admin/api/problem.ts';
import { isLocked } from './session.ts';

/** What the admin plane answered in place of what was asked for; `status` 0: nothing at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** It wants to be asked again no sooner. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, { code, message }: ApiProblem['error'], retryAfterMs?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Rejects with an `ApiError`, or where the signal aborts with its reason. */
export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const reply = await call(path, { signal: signal ?? null });
  return bodyOf<Answer>(reply, signal);
}

/** A call that changes something. As `get`; undefined where the answer has no body. */
export async function post<Answer>(path: string, body?: unknown): Promise<Answer | undefined> {
  const hasBody = body !== undefined;
  const reply = await call(path, {
    method: 'POST',
    ...(hasBody && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return reply.status === 204 ? undefined : bodyOf<Answer>(reply);
}

/** The reply itself, for one that is read as it comes. Rejects where its status is no success. */
export async function call(path: string, init: RequestInit): Promise<Response> {
  const reply = await fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store' }).catch(
    (thrown) => {
      if (init.signal?.aborted) throw init.signal.reason;
      throw unreachable(thrown);
    },
  );
  if (reply.ok) return reply;
  const error = new ApiError(reply.status, await problemOf(reply), retryAfterMs(reply));
  if (error.status === 401) isLocked.value = true;
  throw error;
}

/** Also of a reply that breaks off. */
async function bodyOf<Answer>(reply: Response, signal?: AbortSignal): Promise<Answer> {
  try {
    return (await reply.json()) as Answer;
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(thrown);
  }
}

/** Nobody answers: the shell tells of it, over all views. */
export function isUnreachable(error: ApiError | undefined): boolean {
  return error?.code === 'unreachable';
}

function unreachable(thrown: unknown): ApiError {
  return new ApiError(0, { code: 'unreachable', message: `Sightline does not answer: ${String(thrown)}` });
}

async function problemOf(reply: Response): Promise<ApiProblem['error']> {
  try {
    return ((await reply.json()) as ApiProblem).error;
  } catch {
    return { code: 'unknown', message: `${reply.status} ${reply.statusText}` };
  }
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-retry-after, in seconds: the plane sends no dates. */
function retryAfterMs(reply: Response): number | undefined {
  const seconds = reply.headers.get('retry-after');
  return seconds && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}
