import { type Ask, email } from './payloads.ts';
import type { Subject } from './subjects.ts';

/** A proxy that answers wrongly is quick. Rejects where a reply is not what the backend's own would be. */
export async function verify({ plan, origin }: Subject, ask: Ask, backend: URL): Promise<void> {
  const [reply, expected] = await Promise.all([replyOf(origin, ask), replyOf(backend, ask)]);
  const isRight = plan.redacts
    ? textOf(reply) === textOf(expected).replaceAll(email, '[email]')
    : reply === expected;
  if (!isRight) throw new Error(`${plan.name} answers wrongly:\n${reply}\nexpected:\n${expected}`);
}

async function replyOf(origin: URL, { path, headers, body }: Ask): Promise<string> {
  const reply = await fetch(new URL(path, origin), { method: 'POST', headers, body });
  if (reply.status !== 200) throw new Error(`${origin.href} answers with status ${reply.status}`);
  return reply.text();
}

/** What the model said, whole or in pieces. */
function textOf(reply: string): string {
  return Array.from(reply.matchAll(/"content":"([^"]*)"/g), ([, text]) => text).join('');
}
