import { setTimeout as delay } from 'node:timers/promises';
import { parseJsonObject } from '../wire/json.ts';
import type { DemoOptions } from './options.ts';
import { credentialsOf, tenants } from './tenants.ts';

/** Who answers at an address. */
export type Found =
  | { readonly answers: 'simulator' }
  /** A Sightline, or something else, that has no simulator behind it. */
  | { readonly answers: 'other'; readonly status: number }
  | { readonly answers: 'nobody' };

const pauseMs = 200;

/** A model that only the simulator has. */
const question = {
  model: 'sim-tokens-1',
  messages: [{ role: 'user', content: 'Is a simulator there?' }],
};

/** Asks until somebody answers, or the time is over. */
export async function findSightline(
  { baseUrl, waitSeconds }: Pick<DemoOptions, 'baseUrl' | 'waitSeconds'>,
  signal: AbortSignal,
): Promise<Found> {
  const time = AbortSignal.any([signal, AbortSignal.timeout(waitSeconds * 1_000)]);
  for (;;) {
    try {
      return await ask(baseUrl, time);
    } catch {
      // Not there yet: a connection that is refused, or one that gives no answer.
      await delay(pauseMs, undefined, { signal: time }).catch(() => undefined);
      if (time.aborted) return { answers: 'nobody' };
    }
  }
}

async function ask(baseUrl: URL, signal: AbortSignal): Promise<Found> {
  const reply = await fetch(new URL('/v1/chat/completions', baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentialsOf(tenants[0]) },
    body: JSON.stringify(question),
    signal,
  });
  const body = parseJsonObject(await reply.text());
  if (reply.status === 200 && body?.model === question.model) return { answers: 'simulator' };
  // An upstream that is about to start.
  if (reply.status === 502 || reply.status === 503) throw new Error(`status ${reply.status}`);
  return { answers: 'other', status: reply.status };
}
