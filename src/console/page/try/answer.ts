import { countOf, type JsonObject, objectOf, parseObject, textOf } from './json.ts';
import { type Piece, type PieceKind, piecesOf } from './pieces.ts';
import type { SseEvent } from './sse-reader.ts';

/** One text of the answer: what is said, what is thought, or what a tool is called with. */
export interface AnswerPart {
  readonly slot: string;
  readonly kind: PieceKind;
  readonly text: string;
  /** Of a tool. */
  readonly name?: string;
}

/** What has been understood of a reply so far. */
export interface Answer {
  readonly parts: readonly AnswerPart[];
  /** Text was left out: it is longer than anybody reads here. */
  readonly isCut: boolean;
  /** Events with output of the model. */
  readonly outputs: number;
  readonly model?: string;
  readonly finishReason?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** As the upstream, or Sightline, words it. */
  readonly error?: string;
  /** The API's own sign that the reply is whole has come. */
  readonly isWhole: boolean;
}

export const noAnswer: Answer = { parts: [], isCut: false, outputs: 0, isWhole: false };

/** Characters that are kept of all parts, and how many parts. */
const charsMax = 500_000;
const partsMax = 200;
/** Of names and reasons, and of what went wrong: nobody reads longer ones, and they are not folded. */
const wordCharsMax = 256;
const errorCharsMax = 4_000;

const lastTypes = new Set(['message_stop', 'response.completed', 'response.incomplete', 'response.failed']);

/** The answer with what one more event of the stream says. */
export function withEvent(answer: Answer, { event, data }: SseEvent): Answer {
  if (data === '[DONE]') return { ...answer, isWhole: true };
  const payload = parseObject(data);
  if (!payload) return answer;
  const next = withPayload(answer, payload, event === 'error');
  return typeof payload.type === 'string' && lastTypes.has(payload.type) ? { ...next, isWhole: true } : next;
}

/** What a reply says that is no stream. */
export function answerOf(body: string): Answer {
  const payload = parseObject(body);
  return payload ? { ...withPayload(noAnswer, payload, false), isWhole: true } : noAnswer;
}

function withPayload(answer: Answer, payload: JsonObject, isError: boolean): Answer {
  const pieces = piecesOf(payload);
  const outputs = answer.outputs + (pieces.some(({ text }) => text !== '') ? 1 : 0);
  return { ...answer, ...facts(answer, payload, isError), ...withPieces(answer, pieces), outputs };
}

function withPieces({ parts, isCut }: Answer, pieces: readonly Piece[]): Pick<Answer, 'parts' | 'isCut'> {
  let next = parts;
  let isCutNow = isCut;
  for (const piece of pieces) {
    const chars = next.reduce((sum, { text }) => sum + text.length, 0);
    const text = piece.text.slice(0, Math.max(0, charsMax - chars));
    const index = next.findIndex(({ slot }) => slot === piece.slot);
    isCutNow ||= text.length < piece.text.length || (index < 0 && next.length >= partsMax);
    const before = next[index];
    const name = shortened(piece.name, wordCharsMax);
    const part = { ...piece, ...(name !== undefined && { name }), text: (before?.text ?? '') + text };
    if (before) next = next.with(index, { ...before, ...part });
    else if (next.length < partsMax) next = [...next, part];
  }
  return { parts: next, isCut: isCutNow };
}

type Facts = Pick<Answer, 'model' | 'finishReason' | 'inputTokens' | 'outputTokens' | 'error'>;

function facts(before: Facts, payload: JsonObject, isError: boolean): Facts {
  // Anthropic and the responses API put what they say of the reply into an object of its own.
  const about = objectOf(payload.message) ?? objectOf(payload.response) ?? payload;
  const usage = objectOf(about.usage) ?? {};
  const model = shortened(textOf(about.model), wordCharsMax) ?? before.model;
  const finishReason = shortened(finishReasonOf(payload, about), wordCharsMax) ?? before.finishReason;
  const inputTokens = inputTokensOf(usage) ?? before.inputTokens;
  const outputTokens =
    countOf(usage.completion_tokens) ?? countOf(usage.output_tokens) ?? before.outputTokens;
  const error = shortened(errorOf(payload, about, isError), errorCharsMax) ?? before.error;
  return {
    ...(model !== undefined && { model }),
    ...(finishReason !== undefined && { finishReason }),
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(error !== undefined && { error }),
  };
}

function finishReasonOf(payload: JsonObject, about: JsonObject): string | undefined {
  const [choice] = Array.isArray(payload.choices) ? payload.choices : [];
  const incomplete = objectOf(about.incomplete_details)?.reason;
  return (
    textOf(objectOf(choice)?.finish_reason) ??
    textOf(objectOf(payload.delta)?.stop_reason) ??
    textOf(about.stop_reason) ??
    textOf(incomplete)
  );
}

/** Anthropic counts cached tokens beside the input. */
function inputTokensOf(usage: JsonObject): number | undefined {
  const input = countOf(usage.prompt_tokens) ?? countOf(usage.input_tokens);
  if (input === undefined) return undefined;
  return (
    input + (countOf(usage.cache_read_input_tokens) ?? 0) + (countOf(usage.cache_creation_input_tokens) ?? 0)
  );
}

function errorOf(payload: JsonObject, about: JsonObject, isError: boolean): string | undefined {
  const error = objectOf(payload.error) ?? objectOf(about.error);
  if (error) return messageOf(error);
  if (typeof payload.error === 'string') return payload.error;
  // The responses API has no envelope around it.
  return isError || payload.type === 'error' ? messageOf(payload) : undefined;
}

function messageOf({ message, code, type }: JsonObject): string {
  const name = textOf(code) ?? (type === 'error' ? undefined : textOf(type));
  const said = textOf(message);
  if (said !== undefined && name !== undefined) return `${said} (${name})`;
  return said ?? name ?? 'An error without a message.';
}

function shortened(text: string | undefined, max: number): string | undefined {
  return text !== undefined && text.length > max ? `${text.slice(0, max)}…` : text;
}
