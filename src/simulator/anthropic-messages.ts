import { type Answer, answerQuestion, outputTokens, type Question } from './answer.ts';
import { countOf, isObject, type JsonObject, listOf, objectOf, textOf, textsOf } from './json.ts';
import { answeringModel, reasoningOf } from './models.ts';
import { anthropicError, type Problem, usualProblem } from './problems.ts';
import { countCached, countPrompt, gatherText, lastUserText } from './prompt.ts';
import type { Api, Frame, Marks, Script, Setting, Tokens } from './script.ts';
import { idOf, randomOf } from './text.ts';
import type { ToolChoice } from './tools.ts';

/** https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming */
export const anthropicMessages: Api = {
  operation: 'anthropic.messages',
  path: '/messages',
  shape: 'anthropic',
  refuse: (body) => refuseMessages(body),
  script: (body, setting) => scriptMessage(body, setting),
};

function refuseMessages(body: JsonObject): Problem | undefined {
  const invalid = (message: string): Problem => ({ status: 400, message });
  if (textOf(body.model) === undefined) return invalid('model: Field required');
  if (body.messages === undefined) return invalid('messages: Field required');
  if (!Array.isArray(body.messages)) return invalid('messages: Input should be a valid list');
  if (body.messages.length === 0) return invalid('messages: at least one message is required');
  if (countOf(body.max_tokens, 1) === undefined) return invalid('max_tokens: Field required');
  return undefined;
}

function readToolChoice(choice: unknown): ToolChoice {
  if (!isObject(choice)) return 'auto';
  if (choice.type === 'any') return 'required';
  if (choice.type === 'none') return 'none';
  const named = textOf(choice.name);
  return choice.type === 'tool' && named !== undefined ? { named } : 'auto';
}

function readQuestion(body: JsonObject): Question {
  const messages = listOf(body.messages);
  const model = textOf(body.model) ?? '';
  const tools = listOf(body.tools).flatMap((tool) => {
    const { name, input_schema } = objectOf(tool);
    return typeof name === 'string' ? [{ name, parameters: objectOf(input_schema) }] : [];
  });
  const thinking = objectOf(body.thinking).type;
  const shown = thinking === 'enabled' || thinking === 'adaptive' || reasoningOf(model) !== 'none';
  const lastContent = listOf(objectOf(messages.at(-1)).content);
  return {
    model,
    prompt: [
      gatherText(body.system),
      gatherText(messages),
      tools.length > 0 ? JSON.stringify(body.tools) : '',
    ]
      .filter((text) => text !== '')
      .join('\n'),
    lastUserText: lastUserText(messages),
    toolAnswered: lastContent.some((block) => objectOf(block).type === 'tool_result'),
    tools,
    toolChoice: readToolChoice(body.tool_choice),
    parallelTools: objectOf(body.tool_choice).disable_parallel_tool_use !== true,
    maxTokens: countOf(body.max_tokens, 1),
    stop: textsOf(body.stop_sequences),
    reasoning: shown ? 'shown' : 'none',
  };
}

interface MessageParts {
  readonly id: string;
  readonly model: string;
  readonly answer: Answer;
  readonly signature: string;
  readonly stopReason: string;
  readonly input: InputUsage;
}

interface InputUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

function scriptMessage(body: JsonObject, setting: Setting): Script {
  const question = readQuestion(body);
  const random = randomOf(`${setting.seed}\nmessages\n${question.model}\n${question.prompt}`);
  const answer = answerQuestion(question, setting.seed, 0, setting.wish);
  const parts: MessageParts = {
    id: idOf(random, 'msg_01', 22),
    model: answeringModel(question.model),
    answer,
    signature: idOf(random, 'Erq', 96),
    stopReason: stopReasonOf(answer),
    input: countInput(question.prompt, JSON.stringify(body).includes('"cache_control"')),
  };
  return {
    model: parts.model,
    stream: body.stream === true,
    tokens: outputTokens(answer),
    whole: () => wholeMessage(parts),
    frames: () => messageFrames(parts),
    errorFrame: () => frame({ ...anthropicError(usualProblem('anthropic', 529)) }, 'error'),
  };
}

function stopReasonOf(answer: Answer): string {
  if (answer.stopSequence !== undefined) return 'stop_sequence';
  return { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' }[answer.finish];
}

/** What a stream says of its output before there is any: no count of it, so the journal has none then. */
const startedOutput = 1;

/** `input_tokens` are those that no cache knew and none was told: the three add up to the prompt. */
function countInput(prompt: string, cacheControl: boolean): InputUsage {
  const total = countPrompt(prompt);
  const read = countCached(total);
  const creation = cacheControl ? Math.floor((total - read) / 2) : 0;
  return {
    input_tokens: total - read - creation,
    cache_creation_input_tokens: creation,
    cache_read_input_tokens: read,
  };
}

function usageMarks(input: InputUsage, output: number): Marks {
  return {
    usage: { ...input, output_tokens: output },
    tokens: { ...inputTokens(input), output },
  };
}

function inputTokens(input: InputUsage): Tokens {
  return {
    input: input.input_tokens + input.cache_creation_input_tokens + input.cache_read_input_tokens,
    cacheRead: input.cache_read_input_tokens,
    cacheCreation: input.cache_creation_input_tokens,
  };
}

function wholeUsage(input: InputUsage, output: number): object {
  return {
    ...input,
    cache_creation: {
      ephemeral_5m_input_tokens: input.cache_creation_input_tokens,
      ephemeral_1h_input_tokens: 0,
    },
    output_tokens: output,
    service_tier: 'standard',
  };
}

function wholeMessage({
  id,
  model,
  answer,
  signature,
  stopReason,
  input,
}: MessageParts): ReturnType<Script['whole']> {
  const content: object[] = [];
  if (answer.reasoning.length > 0) {
    content.push({ type: 'thinking', thinking: answer.reasoning.join(''), signature });
  }
  if (answer.toolCalls.length === 0) content.push({ type: 'text', text: answer.text.join('') });
  for (const call of answer.toolCalls) {
    content.push({ type: 'tool_use', id: `toolu_01${call.id.slice(2)}`, name: call.name, input: call.input });
  }
  const output = outputTokens(answer);
  const body = {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: answer.stopSequence ?? null,
    usage: wholeUsage(input, output),
  };
  const marks: Marks = { responseId: id, model, finishReason: stopReason, ...usageMarks(input, output) };
  return { body: JSON.stringify(body), marks: [marks] };
}

function frame(payload: object, event: string, more: Omit<Frame, 'event' | 'data'> = {}): Frame {
  return { event, data: JSON.stringify(payload), ...more };
}

function* messageFrames(parts: MessageParts): Generator<Frame> {
  const { id, model, answer, stopReason, input } = parts;
  const message = {
    model,
    id,
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: wholeUsage(input, startedOutput),
  };
  yield frame({ type: 'message_start', message }, 'message_start', {
    marks: {
      responseId: id,
      model,
      usage: { ...input, output_tokens: startedOutput },
      tokens: inputTokens(input),
    },
  });

  let index = 0;
  for (const block of blocksOf(parts)) {
    yield frame({ type: 'content_block_start', index, content_block: block.start }, 'content_block_start');
    if (index === 0) yield { event: 'ping', data: '{"type":"ping"}' };
    for (const { delta, output } of block.deltas) {
      const data = `{"type":"content_block_delta","index":${index},"delta":${delta}}`;
      yield { event: 'content_block_delta', data, output };
    }
    yield { event: 'content_block_stop', data: `{"type":"content_block_stop","index":${index}}` };
    index += 1;
  }

  const output = outputTokens(answer);
  const delta = { stop_reason: stopReason, stop_sequence: answer.stopSequence ?? null };
  yield frame({ type: 'message_delta', delta, usage: { ...input, output_tokens: output } }, 'message_delta', {
    marks: { finishReason: stopReason, ...usageMarks(input, output) },
  });
  yield { event: 'message_stop', data: '{"type":"message_stop"}', terminal: true };
}

interface Block {
  readonly start: object;
  readonly deltas: Iterable<{ delta: string; output: boolean }>;
}

function* blocksOf({ answer, signature }: MessageParts): Generator<Block> {
  if (answer.reasoning.length > 0) {
    const deltas = pieces('thinking_delta', 'thinking', answer.reasoning);
    deltas.push({ delta: JSON.stringify({ type: 'signature_delta', signature }), output: false });
    yield { start: { type: 'thinking', thinking: '', signature: '' }, deltas };
  }
  if (answer.toolCalls.length === 0) {
    yield { start: { type: 'text', text: '' }, deltas: pieces('text_delta', 'text', answer.text) };
  }
  for (const call of answer.toolCalls) {
    const start = { type: 'tool_use', id: `toolu_01${call.id.slice(2)}`, name: call.name, input: {} };
    // The real API opens with an empty piece, which carries nothing yet.
    const opening = { delta: '{"type":"input_json_delta","partial_json":""}', output: false };
    yield { start, deltas: [opening, ...pieces('input_json_delta', 'partial_json', call.argumentTokens)] };
  }
}

function pieces(
  type: string,
  field: string,
  tokens: readonly string[],
): { delta: string; output: boolean }[] {
  return tokens.map((token) => ({
    delta: `{"type":"${type}","${field}":${JSON.stringify(token)}}`,
    output: true,
  }));
}
