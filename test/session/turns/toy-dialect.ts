import type { SessionDialect } from '../../../src/dialects/session-dialect.ts';
import type { JsonObject } from '../../../src/wire/json.ts';

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

/**
 * A session protocol as small as can be. The client says `{ type: 'ask', id?, model?, text? }`, the upstream
 * `begin`, `text`, `end` with a `turn`, `refused` with an `id`, and `hello` with its `model`.
 */
export const toyDialect: SessionDialect = {
  name: 'toy.session',
  operation: 'chat',
  provider: 'toy',
  path: '/v1/toy',
  matches: () => false,
  matchesUpgrade: (path) => path === '/v1/toy',
  upgradeModel: (target) => new URL(target, 'http://toy').searchParams.get('model') ?? undefined,
  readModel: ({ type, model }) => (type === 'hello' ? textOf(model) : undefined),
  readQuery({ model }) {
    const named = textOf(model);
    return { stream: false, ...(named !== undefined && { model: named }) };
  },
  readReply: () => undefined,
  readEvent: ({ data }, facts) => toyDialect.readMessage(JSON.parse(data), facts),
  mapQueryText: (payload, map) => mapText(payload, map),
  mapReplyText: (payload, map) => mapText(payload, map),
  mapEventText: (payload, map) => mapText(payload, map),
  endedSlots: (_event, payload) => (payload?.type === 'end' ? 'all' : []),
  readMessage({ type, tokens, error }, facts) {
    if (typeof tokens === 'number') facts.usage.output = tokens;
    if (type === 'end') facts.terminal = true;
    if (typeof error === 'string') facts.error = error;
    return { output: type === 'text' };
  },
  isOpaque: (text) => text.toString().startsWith('{"type":"audio"') && !text.includes('"type"', 2),
  clientMark: ({ type, id }) => ({ kind: type === 'ask' ? 'query' : 'other', eventId: textOf(id) }),
  upstreamMark({ type, turn, outcome, id, error, isQuery, isBusy }) {
    const name = textOf(turn);
    if (type === 'begin' && name !== undefined) return { kind: 'begin', turn: name };
    if (type === 'text') return { kind: 'part', turn: name };
    if (type === 'end' && name !== undefined) {
      const isKnown = outcome === 'client_aborted' || outcome === 'upstream_error';
      return { kind: 'end', turn: name, outcome: isKnown ? outcome : 'completed' };
    }
    if (type !== 'refused') return { kind: 'other' };
    const why = { error: String(error), isQuery: isQuery !== false, ...(isBusy === true && { isBusy }) };
    return { kind: 'refused', eventId: textOf(id), ...why };
  },
  cancel: (turn) => ({ type: 'cancel', turn }),
  problemBody: ({ code, message }) => ({ type: 'problem', code, message }),
  problemEvent: ({ code, message, requestId, eventId, field, reason }) => ({
    event: '',
    data: JSON.stringify({ type: 'problem', code, message, requestId, id: eventId, field, reason }),
  }),
};

function mapText(payload: JsonObject, map: (text: string, slot: string) => string): JsonObject {
  const text = textOf(payload.text);
  if (text === undefined) return payload;
  const mapped = map(text, `turn:${payload.turn}`);
  return mapped === text ? payload : { ...payload, text: mapped };
}
