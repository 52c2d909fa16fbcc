import { type Answer, answerQuestion, outputTokens, type Question } from './answer.ts';
import { countOf, isObject, type JsonObject, listOf, objectOf, textOf, textsOf } from './json.ts';
import { answeringModel, reasoningOf } from './models.ts';
import { missingModel, openaiError, refuseList, usualProblem } from './problems.ts';
import { countCached, countPrompt, gatherText, lastUserText } from './prompt.ts';
import type { Api, Frame, Marks, Script, Setting } from './script.ts';
import { idOf, randomOf } from './text.ts';
import type { Tool, ToolChoice } from './tools.ts';

/** As many choices as the real API allows. */
const choicesMax = 128;

/** https://platform.openai.com/docs/api-reference/chat */
export const openaiChat: Api = {
  operation: 'openai.chat',
  path: '/chat/completions',
  shape: 'openai',
  refuse: (body) => (textOf(body.model) === undefined ? missingModel : refuseList('messages', body.messages)),
  script: (body, setting) => scriptChat(body, setting),
};

export function readTools(tools: unknown): Tool[] {
  return listOf(tools).flatMap((tool) => {
    const definition = objectOf(isObject(tool) && isObject(tool.function) ? tool.function : tool);
    const name = textOf(definition.name);
    return name === undefined ? [] : [{ name, parameters: objectOf(definition.parameters) }];
  });
}

export function readToolChoice(choice: unknown): ToolChoice {
  if (choice === 'none' || choice === 'required') return choice;
  const named = isObject(choice) ? textOf(objectOf(choice.function ?? choice).name) : undefined;
  return named === undefined ? 'auto' : { named };
}

function readQuestion(body: JsonObject): Question {
  const messages = listOf(body.messages);
  const model = textOf(body.model) ?? '';
  const tools = readTools(body.tools);
  return {
    model,
    prompt: gatherText(messages) + (tools.length > 0 ? JSON.stringify(body.tools) : ''),
    lastUserText: lastUserText(messages),
    toolAnswered: objectOf(messages.at(-1)).role === 'tool',
    tools,
    toolChoice: readToolChoice(body.tool_choice),
    parallelTools: body.parallel_tool_calls !== false,
    maxTokens: countOf(body.max_completion_tokens, 1) ?? countOf(body.max_tokens, 1),
    stop: textsOf(body.stop),
    reasoning: reasoningOf(model),
  };
}

interface ChatParts {
  readonly base: { id: string; created: number; model: string; fingerprint: string };
  readonly answers: readonly Answer[];
  readonly usage: object;
  readonly marks: Marks;
}

function scriptChat(body: JsonObject, setting: Setting): Script {
  const question = readQuestion(body);
  const random = randomOf(`${setting.seed}\nchat\n${question.model}\n${question.prompt}`);
  const choices = Math.min(countOf(body.n, 1) ?? 1, choicesMax);
  const answers = Array.from({ length: choices }, (_, choice) =>
    answerQuestion(question, setting.seed, choice, setting.wish),
  );
  const model = answeringModel(question.model);
  const id = idOf(random, 'chatcmpl-', 29);
  const fingerprint = `fp_${Math.floor(random() * 0xffffffffff)
    .toString(16)
    .padStart(10, '0')}`;
  const counted = countUsage(question.prompt, answers);
  const parts: ChatParts = {
    base: { id, created: setting.created, model, fingerprint },
    answers,
    usage: counted.usage,
    marks: counted.marks,
  };
  const includeUsage = objectOf(body.stream_options).include_usage === true;
  return {
    model,
    stream: body.stream === true,
    tokens: Math.max(...answers.map(outputTokens)),
    whole: () => wholeChat(parts),
    frames: () => chatFrames(parts, includeUsage),
    errorFrame: () => ({ event: '', data: JSON.stringify(openaiError(usualProblem('openai', 500))) }),
  };
}

/** The usage object of chat and of legacy completions. */
export function countUsage(prompt: string, answers: readonly Answer[]): { usage: object; marks: Marks } {
  const input = countPrompt(prompt);
  const cached = countCached(input);
  const output = answers.reduce((sum, answer) => sum + outputTokens(answer), 0);
  const reasoning = answers.reduce(
    (sum, answer) => sum + answer.hiddenReasoning + answer.reasoning.length,
    0,
  );
  return {
    usage: {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: reasoning,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
    marks: {
      usage: {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input + output,
        'prompt_tokens_details.cached_tokens': cached,
        'completion_tokens_details.reasoning_tokens': reasoning,
      },
      tokens: { input, output, cacheRead: cached, reasoning },
    },
  };
}

function wholeChat({ base, answers, usage, marks }: ChatParts): ReturnType<Script['whole']> {
  const choices = answers.map((answer, index) => ({
    index,
    message: wholeMessage(answer),
    logprobs: null,
    finish_reason: answer.finish,
  }));
  const { id, created, model, fingerprint } = base;
  const body = {
    id,
    object: 'chat.completion',
    created,
    model,
    choices,
    usage,
    service_tier: 'default',
    system_fingerprint: fingerprint,
  };
  const said: Marks[] = answers.map((answer) => ({ finishReason: answer.finish }));
  return { body: JSON.stringify(body), marks: [{ ...marks, responseId: id, model }, ...said] };
}

function wholeMessage(answer: Answer): object {
  const calls = answer.toolCalls.map((call) => ({
    id: `call_${call.id}`,
    type: 'function',
    function: { name: call.name, arguments: call.argumentTokens.join('') },
  }));
  return {
    role: 'assistant',
    content: calls.length > 0 ? null : answer.text.join(''),
    ...(answer.reasoning.length > 0 ? { reasoning_content: answer.reasoning.join('') } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    refusal: null,
    annotations: [],
  };
}

/** Choices take turns, token by token. */
function* chatFrames({ base, answers, usage, marks }: ChatParts, includeUsage: boolean): Generator<Frame> {
  const { id, created, model, fingerprint } = base;
  const head = `{"id":"${id}","object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},"service_tier":"default","system_fingerprint":"${fingerprint}","choices":[`;
  const tail = includeUsage ? '],"usage":null}' : ']}';
  const chunk = (index: number, delta: string, finish: string): string =>
    `${head}{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish}}${tail}`;

  const turns = answers.map((answer) => deltasOf(answer));
  for (const [index, answer] of answers.entries()) {
    const content = answer.toolCalls.length > 0 ? 'null' : '""';
    const data = chunk(index, `{"role":"assistant","content":${content},"refusal":null}`, 'null');
    yield { event: '', data, marks: { responseId: id, model } };
  }
  const live = new Map(turns.entries());
  while (live.size > 0) {
    for (const [index, deltas] of live) {
      const next = deltas.next();
      if (next.done !== true) {
        yield { event: '', data: chunk(index, next.value.delta, 'null'), output: next.value.output };
        continue;
      }
      live.delete(index);
      const finishReason = answers[index]?.finish ?? 'stop';
      yield { event: '', data: chunk(index, '{}', `"${finishReason}"`), marks: { finishReason } };
    }
  }
  if (includeUsage) yield { event: '', data: `${head}],"usage":${JSON.stringify(usage)}}`, marks };
  yield { event: '', data: '[DONE]', terminal: true };
}

function* deltasOf(answer: Answer): Generator<{ delta: string; output: boolean }> {
  for (const token of answer.reasoning) {
    yield { delta: `{"reasoning_content":${JSON.stringify(token)}}`, output: true };
  }
  for (const token of answer.text) yield { delta: `{"content":${JSON.stringify(token)}}`, output: true };
  for (const [index, call] of answer.toolCalls.entries()) {
    const opening = {
      index,
      id: `call_${call.id}`,
      type: 'function',
      function: { name: call.name, arguments: '' },
    };
    yield { delta: JSON.stringify({ tool_calls: [opening] }), output: false };
    for (const token of call.argumentTokens) {
      const piece = `{"index":${index},"function":{"arguments":${JSON.stringify(token)}}}`;
      yield { delta: `{"tool_calls":[${piece}]}`, output: true };
    }
  }
}
