import type { QueryFacts, ReplyFacts } from '../exchange/facts.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../wire/json.ts';
import type { SseEvent } from '../wire/sse-event.ts';
import { openaiRealtimeContent } from './content/openai-realtime.ts';
import type { EventMark, Problem } from './dialect.ts';
import { errorName, flatErrorName } from './error-name.ts';
import { isPieceType } from './openai-piece.ts';
import { isRealtimeAudio, realtimeClientMark, realtimeUpstreamMark } from './openai-realtime-marks.ts';
import {
  endedRealtimeSlots,
  mapRealtimeEventText,
  mapRealtimeQueryText,
  mapRealtimeReplyText,
} from './openai-realtime-text.ts';
import { count, label, text } from './payload.ts';
import { openaiProblemBody } from './problem.ts';
import { readQueryFacts } from './query-facts.ts';
import { noOutput, noteFinishReason, noteIdentity, noteOpenaiUsage, output } from './reply-facts.ts';
import { realtimeReason } from './response-reason.ts';
import type { SessionDialect } from './session-dialect.ts';

/**
 * https://platform.openai.com/docs/api-reference/realtime, with the names of events that it has now and those
 * that it had as a beta (`openai-beta: realtime=v1`), which Azure and others still speak.
 */
export const openaiRealtime: SessionDialect = {
  name: 'openai.realtime',
  operation: 'chat',
  provider: 'openai',
  path: '/v1/realtime',
  matches: () => false,
  matchesUpgrade: (path) => path.endsWith('/realtime'),
  upgradeModel,
  readModel: ({ session }) => label(asJsonObject(session)?.model),

  readQuery,
  readReply: (payload, facts) => readDone(asJsonObject(payload.response) ?? payload, facts),
  readEvent: ({ data }, facts) => {
    const payload = parseJsonObject(data);
    return payload === undefined ? noOutput : readMessage(payload, facts);
  },
  readMessage,

  mapQueryText: mapRealtimeQueryText,
  mapReplyText: mapRealtimeReplyText,
  mapEventText: mapRealtimeEventText,
  endedSlots: (_event, payload) => (payload === undefined ? [] : endedRealtimeSlots(payload)),

  isOpaque: isRealtimeAudio,
  clientMark: realtimeClientMark,
  upstreamMark: realtimeUpstreamMark,
  cancel: (turn) => ({ type: 'response.cancel', ...(turn !== undefined && { response_id: turn }) }),

  content: openaiRealtimeContent,

  problemBody: openaiProblemBody,
  problemEvent,
};

/** Azure's preview names the deployment instead. */
function upgradeModel(target: string): string | undefined {
  const at = target.indexOf('?');
  if (at < 0) return undefined;
  const query = new URLSearchParams(target.slice(at + 1));
  return label(query.get('model')) ?? label(query.get('deployment'));
}

/** `response.create`. What it leaves out, the session has said before; that has the model, a response cannot. */
function readQuery(payload: JsonObject): QueryFacts {
  const { model, ...response } = asJsonObject(payload.response) ?? {};
  const facts: QueryFacts = { ...readQueryFacts(response), stream: true };
  const maxTokens = facts.maxTokens ?? count(response.max_response_output_tokens);
  return maxTokens === undefined ? facts : { ...facts, maxTokens };
}

const audioTypes: ReadonlySet<unknown> = new Set(['response.output_audio.delta', 'response.audio.delta']);

function readMessage(payload: JsonObject, facts: ReplyFacts): EventMark {
  const { type } = payload;
  if (isPieceType(type) || audioTypes.has(type)) {
    return text(payload.delta) === undefined ? noOutput : output;
  }
  if (type === 'error') facts.error = errorName(payload) ?? flatErrorName(undefined);
  else if (type === 'response.done') readDone(asJsonObject(payload.response) ?? {}, facts);
  else if (type === 'response.created') noteIdentity(asJsonObject(payload.response) ?? {}, facts);
  return noOutput;
}

function readDone(response: JsonObject, facts: ReplyFacts): void {
  facts.terminal = true;
  noteIdentity(response, facts);
  noteOpenaiUsage(response.usage, facts);
  const details = asJsonObject(response.status_details);
  noteFinishReason(facts, 0, realtimeReason(response));
  if (response.status === 'failed') facts.error = flatErrorName(asJsonObject(details?.error));
}

/** `error.event_id` names the client's message that was wrong. */
function problemEvent(problem: Problem): SseEvent {
  const error = { ...asJsonObject(openaiProblemBody(problem).error), event_id: problem.eventId ?? null };
  const data = { type: 'error', event_id: `event_${problem.requestId}`, error };
  return { event: '', data: JSON.stringify(data) };
}
