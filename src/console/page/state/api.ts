import type { ApiProblem } from '../../../admin/api.ts';

/** What the admin plane answered in place of what was asked for; `status` 0: nothing at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, { code, message }: ApiProblem['error']) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Rejects with an `ApiError`, or where the signal aborts with its reason. */
export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await (await call(path, { signal: signal ?? null })).json()) as Answer;
}

/** A call that changes something. As `get`; undefined where the answer has no body. */
export async function post<Answer>(path: string, body?: unknown): Promise<Answer | undefined> {
  const hasBody = body !== undefined;
  const reply = await call(path, {
    method: 'POST',
    ...(hasBody && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return reply.status === 204 ? undefined : ((await reply.json()) as Answer);
}

/** The reply itself, for one that is read as it comes. Rejects where its status is no success. */
export async function call(path: string, init: RequestInit): Promise<Response> {
  const reply = await fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store' }).catch(
    (thrown) => {
      if (init.signal?.aborted) throw init.signal.reason;
      throw new ApiError(0, { code: 'unreachable', message: `Sightline does not answer: ${String(thrown)}` });
    },
  );
  if (reply.ok) return reply;
  throw new ApiError(reply.status, await problemOf(reply));
}

async function problemOf(reply: Response): Promise<ApiProblem['error']> {
  try {
    return ((await reply.json()) as ApiProblem).error;
  } catch {
    return { code: 'unknown', message: `${reply.status} ${reply.statusText}` };
  }
}
