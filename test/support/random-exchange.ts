import http from 'node:http';
import type { Outcome } from '../../src/exchange/outcome.ts';
import type { Journal } from '../../src/simulator/journal.ts';
import type { Operation } from '../../src/simulator/script.ts';
import type { Random } from './random.ts';

/** Sessions have tests of their own. */
type RequestOperation = Exclude<Operation, 'openai.realtime'>;

/** One exchange as a test plans it, with what must become of it. */
export interface Plan {
  readonly id: string;
  readonly operation: RequestOperation;
  readonly model: string;
  readonly stream: boolean;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The client hangs up when so many output events, or any byte of a whole reply, have come. */
  readonly hangUpAfter: number | undefined;
  readonly outcome: Outcome;
  readonly traceparent: string | undefined;
}

const apis = {
  'openai.chat': { path: '/v1/chat/completions', streams: true },
  'openai.completions': { path: '/v1/completions', streams: true },
  'openai.responses': { path: '/v1/responses', streams: true },
  'openai.embeddings': { path: '/v1/embeddings', streams: false },
  'anthropic.messages': { path: '/anthropic/v1/messages', streams: true },
} as const satisfies Record<RequestOperation, { path: string; streams: boolean }>;

/** What a fault makes of an exchange, for streams and for whole replies. */
const faults: readonly { model: (random: Random) => string; stream: Outcome; whole: Outcome }[] = [
  {
    model: (random) => `sim-status-${random.pick([400, 401, 429, 500, 503])}`,
    stream: 'upstream_error',
    whole: 'upstream_error',
  },
  {
    model: (random) => `sim-truncate-${random.integer(1, 9)}`,
    stream: 'upstream_truncated',
    whole: 'upstream_truncated',
  },
  { model: (random) => `sim-stall-${random.integer(1, 9)}`, stream: 'timed_out', whole: 'timed_out' },
  {
    model: (random) => `sim-clean-cut-${random.integer(1, 9)}`,
    stream: 'upstream_truncated',
    whole: 'completed',
  },
  { model: () => 'sim-never-ends', stream: 'timed_out', whole: 'timed_out' },
  {
    model: (random) => `sim-error-event-${random.integer(1, 9)}`,
    stream: 'upstream_error',
    whole: 'upstream_error',
  },
  { model: () => 'sim-garbage', stream: 'upstream_error', whole: 'upstream_error' },
  { model: () => 'sim-close', stream: 'upstream_unreachable', whole: 'upstream_unreachable' },
  { model: () => 'sim-no-head', stream: 'timed_out', whole: 'timed_out' },
  { model: () => 'sim-crlf', stream: 'completed', whole: 'completed' },
  { model: () => 'sim-malformed-sse', stream: 'completed', whole: 'completed' },
];

const models = ['gpt-4o', 'o3-mini', 'claude-sonnet-4-5', 'a model with spaces', 'modèle-é'];

export function planExchange(random: Random, n: number): Plan {
  const operation = random.pick(Object.keys(apis) as RequestOperation[]);
  const { path, streams } = apis[operation];
  const stream = streams && random.chance(0.6);
  const kind = random.pick(['fault', 'abort', 'normal', 'normal'] as const);
  const fault = kind === 'fault' ? random.pick(faults) : undefined;
  // The simulator falls silent after its last token, so that what the client has seen is what was sent.
  const hangUpAfter = kind === 'abort' ? (stream ? random.integer(1, 9) : 1) : undefined;
  const model =
    fault?.model(random) ?? (hangUpAfter === undefined ? random.pick(models) : `sim-stall-${hangUpAfter}`);
  const outcome: Outcome = fault
    ? stream
      ? fault.stream
      : fault.whole
    : kind === 'abort'
      ? 'client_aborted'
      : 'completed';
  const id = `truth-${n}`;
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-request-id': id,
    'accept-encoding': 'gzip, br, zstd, deflate',
  };
  if (random.chance(0.3)) headers['x-simulator-encoding'] = random.pick(['gzip', 'br', 'zstd', 'deflate']);
  if (kind === 'normal' && random.chance(0.3))
    headers['x-simulator-chunking'] = `bytes=${random.integer(1, 50)}`;
  const traceparent = random.chance(0.3) ? `00-${hex(random, 32)}-${hex(random, 16)}-01` : undefined;
  if (traceparent) headers.traceparent = traceparent;
  const body = JSON.stringify(bodyOf(operation, model, stream, random));
  return { id, operation, model, stream, path, headers, body, hangUpAfter, outcome, traceparent };
}

function bodyOf(operation: RequestOperation, model: string, stream: boolean, random: Random): object {
  const text = 'Tell me something. '.repeat(random.integer(1, random.chance(0.2) ? 300 : 5));
  const common = {
    model,
    ...(stream && { stream }),
    ...(random.chance(0.5) && { temperature: random.integer(0, 10) / 10 }),
  };
  const max = random.integer(12, 40);
  switch (operation) {
    case 'openai.chat':
      return {
        ...common,
        messages: [{ role: 'user', content: text }],
        max_completion_tokens: max,
        ...(!model.startsWith('sim-stall') && random.chance(0.2) && { n: 2 }),
        ...(stream && random.chance(0.5) && { stream_options: { include_usage: true } }),
      };
    case 'openai.completions':
      return { ...common, prompt: text, max_tokens: max };
    case 'openai.responses':
      return { ...common, input: text, max_output_tokens: max };
    case 'openai.embeddings':
      return { model, input: [text, 'another'], dimensions: 16 };
    case 'anthropic.messages':
      return { ...common, messages: [{ role: 'user', content: text }], max_tokens: max };
  }
}

/** It ends by a deadline of the service, and waits for it. */
export function waits({ outcome }: Plan): boolean {
  return outcome === 'timed_out';
}

/** Sends it, hangs up as planned; resolves when the reply has ended, one way or the other. */
export function sendExchange(plan: Plan, baseUrl: string, journal: Journal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const headers = { ...plan.headers, 'content-length': Buffer.byteLength(plan.body) };
  const request = http.request(new URL(plan.path, baseUrl), { method: 'POST', headers, agent: false });
  let bytes = 0;
  const hangUpWhenAllCame = () => {
    const entry = journal.underWay().find(({ requestId }) => requestId === plan.id);
    const isAll =
      entry && entry.replyBytes === bytes && (!plan.stream || entry.outputEvents === plan.hangUpAfter);
    if (isAll) request.destroy();
    else if (!request.destroyed) setTimeout(hangUpWhenAllCame, 2);
  };
  request.on('error', () => undefined);
  request.on('close', resolve);
  request.on('response', (response) => {
    response.on('error', () => undefined);
    response.on('data', (chunk: Buffer) => {
      if (bytes === 0 && plan.hangUpAfter !== undefined) setImmediate(hangUpWhenAllCame);
      bytes += chunk.length;
    });
  });
  request.end(plan.body);
  return promise;
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.integer(0, 15).toString(16))
    .join('')
    .replace(/^0/, '1');
}
