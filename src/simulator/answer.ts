import type { JsonObject } from './json.ts';
import { idOf, pick, type Random, randomOf, textBytesMax, writeSentences } from './text.ts';
import { type Tool, type ToolChoice, toolArguments, toolsToCall } from './tools.ts';

/** What any of the APIs asks of a model, once its own words are taken off. */
export interface Question {
  readonly model: string;
  /** Everything the model would read; it decides the answer, together with the seed. */
  readonly prompt: string;
  readonly lastUserText: string;
  /** The last message is a tool's result: time to answer instead of calling again. */
  readonly toolAnswered: boolean;
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly parallelTools: boolean;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly reasoning: 'none' | 'hidden' | 'shown';
}

/** What the one who sends the request can ask of the simulator itself. */
export interface Wish {
  /** Exactly so many tokens of text, sentence or not (model `sim-tokens-N`). */
  readonly tokens?: number | undefined;
  /** Text of about so many bytes (header `x-simulator-size`). */
  readonly bytes?: number | undefined;
}

export interface ToolCall {
  /** Letters for the API to put its own prefix before. */
  readonly id: string;
  readonly name: string;
  readonly argumentTokens: readonly string[];
  readonly input: JsonObject;
}

/** The pseudo-model's answer, token by token, before an API gives it its shape. */
export interface Answer {
  readonly reasoning: readonly string[];
  /** Tokens that were thought and not shown: a multiple of 64, as OpenAI counts them. */
  readonly hiddenReasoning: number;
  readonly text: readonly string[];
  readonly toolCalls: readonly ToolCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls';
  /** The stop sequence that ended the text. */
  readonly stopSequence: string | undefined;
}

export function outputTokens(answer: Answer): number {
  const calls = answer.toolCalls.reduce((sum, call) => sum + call.argumentTokens.length, 0);
  return answer.hiddenReasoning + answer.reasoning.length + answer.text.length + calls;
}

/** The same question under the same seed has the same answer; `choice` tells apart those of one reply. */
export function answerQuestion(question: Question, seed: number, choice: number, wish: Wish): Answer {
  const random = randomOf(`${seed}\n${choice}\n${question.model}\n${question.prompt}`);
  let budget = question.maxTokens ?? Number.POSITIVE_INFINITY;
  const hiddenReasoning =
    question.reasoning === 'hidden' ? Math.min(budget, 64 * (1 + Math.floor(random() * 4))) : 0;
  budget -= hiddenReasoning;
  const reasoning = question.reasoning === 'shown' ? writeSentences(random, (tokens) => tokens >= 16) : [];
  const thought = reasoning.slice(0, budget);
  budget -= thought.length;
  const before = { reasoning: thought, hiddenReasoning };

  const names = toolsToCall(question);
  if (names.length > 0) return { ...before, ...callTools(random, names, budget) };
  return { ...before, ...writeText(random, question.stop, budget, wish) };
}

type Spoken = Pick<Answer, 'text' | 'toolCalls' | 'finish' | 'stopSequence'>;

function callTools(random: Random, tools: readonly Tool[], budget: number): Spoken {
  const toolCalls: ToolCall[] = [];
  let left = budget;
  for (const tool of tools) {
    const input = toolArguments(random, tool.parameters);
    const id = idOf(random, '', 24);
    const tokens = JSON.stringify(input).match(/[\s\S]{1,5}/gu) ?? [];
    toolCalls.push({ id, name: tool.name, argumentTokens: tokens.slice(0, left), input });
    if (tokens.length > left) return { text: [], toolCalls, finish: 'length', stopSequence: undefined };
    left -= tokens.length;
  }
  return { text: [], toolCalls, finish: 'tool_calls', stopSequence: undefined };
}

function writeText(random: Random, stop: readonly string[], budget: number, wish: Wish): Spoken {
  const written = freeText(random, wish);
  const { tokens, stopSequence } = cutAtStop(written, stop);
  if (tokens.length > budget) {
    return { text: tokens.slice(0, budget), toolCalls: [], finish: 'length', stopSequence: undefined };
  }
  return { text: tokens, toolCalls: [], finish: 'stop', stopSequence };
}

function freeText(random: Random, wish: Wish): string[] {
  const { tokens, bytes } = wish;
  if (tokens !== undefined) return writeSentences(random, (count) => count >= tokens).slice(0, tokens);
  if (bytes !== undefined) {
    const limit = Math.min(bytes, textBytesMax);
    return writeSentences(random, (_count, written) => written >= limit);
  }
  const length = pick(random, [24, 40, 64, 96]);
  return writeSentences(random, (count) => count >= length);
}

function cutAtStop(
  tokens: string[],
  stop: readonly string[],
): { tokens: string[]; stopSequence: string | undefined } {
  if (stop.length === 0) return { tokens, stopSequence: undefined };
  const text = tokens.join('');
  let end = -1;
  let stopSequence: string | undefined;
  for (const candidate of stop) {
    const at = text.indexOf(candidate);
    if (at >= 0 && (end < 0 || at < end)) {
      end = at;
      stopSequence = candidate;
    }
  }
  if (end < 0) return { tokens, stopSequence: undefined };

  const kept: string[] = [];
  let left = end;
  for (const token of tokens) {
    if (left <= 0) break;
    kept.push(token.slice(0, left));
    left -= token.length;
  }
  return { tokens: kept, stopSequence };
}
