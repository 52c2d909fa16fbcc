import { asJsonObject, type JsonObject } from '../wire/json.ts';
import { flatErrorName } from './error-name.ts';
import { label, text } from './payload.ts';
import type { ClientMark, UpstreamMark } from './session-dialect.ts';

const otherOfUpstream: UpstreamMark = Object.freeze({ kind: 'other' });

export function realtimeClientMark(payload: JsonObject): ClientMark {
  return { kind: payload.type === 'response.create' ? 'query' : 'other', eventId: label(payload.event_id) };
}

/** Where voice activity is detected, the upstream begins responses by itself: `response.created` is how. */
export function realtimeUpstreamMark(payload: JsonObject): UpstreamMark {
  const type = text(payload.type);
  switch (type) {
    case undefined:
      return otherOfUpstream;
    case 'error':
      return refusal(asJsonObject(payload.error));
    case 'response.created':
    case 'response.done': {
      const response = asJsonObject(payload.response);
      const turn = label(response?.id);
      if (turn === undefined) return otherOfUpstream;
      return type === 'response.done'
        ? { kind: 'end', turn, outcome: outcomeOf(response?.status) }
        : { kind: 'begin', turn };
    }
    default: {
      const turn = label(payload.response_id);
      return turn !== undefined || type.startsWith('response.') ? { kind: 'part', turn } : otherOfUpstream;
    }
  }
}

function outcomeOf(status: unknown): 'completed' | 'client_aborted' | 'upstream_error' {
  if (status === 'failed') return 'upstream_error';
  // By the client's message, or because somebody spoke.
  return status === 'cancelled' ? 'client_aborted' : 'completed';
}

/** `param` is the path of what was wrong in the message: `response_id` is a field of `response.cancel`. */
function refusal(error: JsonObject | undefined): UpstreamMark {
  const isBusy = error?.code === 'conversation_already_has_active_response';
  return {
    kind: 'refused',
    eventId: label(error?.event_id),
    error: flatErrorName(error),
    isQuery: isBusy || /^response(?=$|[.[])/.test(text(error?.param) ?? ''),
    ...(isBusy && { isBusy }),
  };
}

const appendHead =
  /^[ \t\r\n]*\{[ \t\r\n]*(?:"event_id"[ \t\r\n]*:[ \t\r\n]*"[^"\\]{0,512}"[ \t\r\n]*,[ \t\r\n]*)?"type"[ \t\r\n]*:[ \t\r\n]*"input_audio_buffer\.append"/;

/** More than the longest beginning that is known. */
const headBytes = 1_024;

/**
 * Audio on its way in. Of two fields with one name the last counts, so a second `type` anywhere in the message makes
 * it unsure, and so does an escape, which could spell one: base64 has neither.
 */
export function isRealtimeAudio(text: Buffer): boolean {
  const begin = appendHead.exec(text.toString('latin1', 0, headBytes))?.[0].length;
  return begin !== undefined && !text.includes('"type"', begin) && !text.includes('\\', begin);
}
