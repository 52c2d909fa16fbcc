import { WebSocket } from 'ws';
import type { StreamClient } from '../client/index.ts';
import { connect, QueryError } from '../client/index.ts';
import { credentialsOf, type Tenant } from './tenants.ts';
import { type Ending, endingOf, type Question, type Result } from './visit.ts';

export interface StreamAsk {
  readonly baseUrl: URL;
  readonly tenant: Tenant;
  readonly signal: AbortSignal;
}

/** All questions at once on one connection, with the client that Sightline brings. */
export async function askOverStream(
  questions: readonly Question[],
  { baseUrl, tenant, signal }: StreamAsk,
): Promise<Result[]> {
  await using client = connect(new URL('/stream', baseUrl), {
    // Node's own holds its process until the server has answered the close.
    webSocket: WebSocket,
    headers: credentialsOf(tenant),
    reconnect: { attempts: 1 },
    closeTimeoutMs: 1_000,
  });
  return await Promise.all(questions.map((question) => ask(client, question, signal)));
}

async function ask(client: StreamClient, question: Question, signal: AbortSignal): Promise<Result> {
  const { path, body, leavesAfter = Number.POSITIVE_INFINITY } = question;
  const query = client.query({ path, body, signal });
  let events = 0;
  try {
    for await (const _event of query) {
      events += 1;
      if (events >= leavesAfter) return { ending: 'hung_up' };
    }
    const { outcome, usage } = await query;
    const ending = outcome === 'completed' ? 'completed' : 'cut_off';
    return { ending, input: usage.input, output: usage.output };
  } catch (thrown) {
    if (!(thrown instanceof QueryError)) throw thrown;
    return { ending: signal.aborted ? endingOf(signal) : endingOfError(thrown) };
  }
}

function endingOfError({ code, outcome, wasSent }: QueryError): Ending {
  if (code === 'error_status') return 'refused';
  if (!wasSent) return 'unreachable';
  return outcome === 'upstream_error' ? 'failed_midway' : 'cut_off';
}
