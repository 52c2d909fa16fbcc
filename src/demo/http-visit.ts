import type { Dispatcher } from 'undici';
import { dialectFor } from '../dialects/index.ts';
import { observeReply } from '../dialects/reply-observer.ts';
import { emptyReplyFacts, type ReplyFacts } from '../exchange/facts.ts';
import { defaultLimits } from '../limits.ts';
import { credentialsOf, type Tenant } from './tenants.ts';
import { endingOf, type Question, type Result } from './visit.ts';

export interface HttpAsk {
  readonly baseUrl: URL;
  readonly dispatcher: Dispatcher;
  readonly tenant: Tenant;
  readonly signal: AbortSignal;
}

/** Asks as an SDK does, and reads the reply to its end, or to where the reader leaves. */
export async function askOverHttp(question: Question, ask: HttpAsk): Promise<Result> {
  const { baseUrl, dispatcher, tenant, signal } = ask;
  let reply: Dispatcher.ResponseData;
  try {
    reply = await dispatcher.request({
      origin: baseUrl.origin,
      path: question.path,
      method: 'POST',
      headers: headersOf(question, tenant),
      body: JSON.stringify(question.body),
      signal,
    });
  } catch {
    return { ending: signal.aborted ? endingOf(signal) : 'unreachable' };
  }
  const facts = emptyReplyFacts();
  const ending = await read(reply, question, facts, signal);
  return { ending, input: facts.usage.input, output: facts.usage.output };
}

function headersOf({ path }: Question, tenant: Tenant): Record<string, string> {
  return {
    'content-type': 'application/json',
    ...credentialsOf(tenant),
    ...(path.endsWith('/messages') && { 'anthropic-version': '2023-06-01' }),
  };
}

async function read(
  { statusCode: status, headers, body }: Dispatcher.ResponseData,
  { path, leavesAfter = Number.POSITIVE_INFINITY }: Question,
  facts: ReplyFacts,
  signal: AbortSignal,
): Promise<Result['ending']> {
  const dialect = dialectFor('POST', path);
  let outputs = 0;
  const observer =
    dialect &&
    observeReply({
      dialect,
      status,
      contentType: headers['content-type']?.toString(),
      contentEncoding: headers['content-encoding']?.toString(),
      facts,
      limits: defaultLimits,
      onOutput: () => {
        outputs += 1;
      },
    });
  try {
    for await (const chunk of body) {
      observer?.push(chunk, performance.now());
      // Leaving the loop destroys the body, and its connection.
      if (outputs >= leavesAfter && !facts.terminal) return 'hung_up';
    }
  } catch {
    return signal.aborted ? endingOf(signal) : 'cut_off';
  }
  await observer?.end(true);
  if (status >= 400) return 'refused';
  if (facts.error !== undefined) return 'failed_midway';
  return facts.terminal ? 'completed' : 'cut_off';
}
