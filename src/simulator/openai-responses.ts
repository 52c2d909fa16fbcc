import { type Answer, answerQuestion, outputTokens, type Question } from './answer.ts';
import { countOf, isObject, type JsonObject, listOf, objectOf, textOf } from './json.ts';
import { answeringModel, reasoningOf } from './models.ts';
import { readToolChoice, readTools } from './openai-chat.ts';
import { type Identified, type OutputItem, responseFrames } from './openai-responses-stream.ts';
import { missingModel, missingParameter, type Problem, usualProblem, wrongType } from './problems.ts';
import { countCached, countPrompt, gatherText, lastUserText } from './prompt.ts';
import type { Api, Marks, Script, Setting } from './script.ts';
import { idOf, randomOf } from './text.ts';

/** https://platform.openai.com/docs/api-reference/responses and …/responses-streaming */
export const openaiResponses: Api = {
  operation: 'openai.responses',
  path: '/responses',
  shape: 'openai',
  refuse: (body) => refuseResponse(body),
  script: (body, setting) => scriptResponse(body, setting),
};

function refuseResponse({ model, input }: JsonObject): Problem | undefined {
  if (textOf(model) === undefined) return missingModel;
  if (input === undefined || input === null) return missingParameter('input');
  if (typeof input !== 'string' && !Array.isArray(input))
    return wrongType('input', 'a string or an array', input);
  return undefined;
}

function readQuestion(body: JsonObject): Question {
  const model = textOf(body.model) ?? '';
  const input = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : listOf(body.input);
  const tools = readTools(body.tools);
  const reasons = reasoningOf(model);
  const summarizes =
    objectOf(body.reasoning).summary !== undefined && objectOf(body.reasoning).summary !== null;
  return {
    model,
    prompt: [
      textOf(body.instructions) ?? '',
      gatherText(input),
      tools.length > 0 ? JSON.stringify(body.tools) : '',
    ]
      .filter((text) => text !== '')
      .join('\n'),
    lastUserText: lastUserText(input),
    toolAnswered: objectOf(input.at(-1)).type === 'function_call_output',
    tools,
    toolChoice: readToolChoice(body.tool_choice),
    parallelTools: body.parallel_tool_calls !== false,
    maxTokens: countOf(body.max_output_tokens, 1),
    stop: [],
    reasoning: reasons === 'hidden' && summarizes ? 'shown' : reasons,
  };
}

function scriptResponse(body: JsonObject, setting: Setting): Script {
  const question = readQuestion(body);
  const random = randomOf(`${setting.seed}\nresponses\n${question.model}\n${question.prompt}`);
  const id = idOf(random, 'resp_', 48);
  const answer = answerQuestion(question, setting.seed, 0, setting.wish);
  const model = answeringModel(question.model);
  const items = itemsOf(answer, () => idOf(random, '', 48));
  const { usage, marks } = countUsage(question.prompt, answer);
  const status = answer.finish === 'length' ? 'incomplete' : 'completed';

  const began = responseObject(body, id, model, setting.created);
  const ended = {
    ...began,
    status,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    output: items.map((item) => item.finished),
    usage,
  };
  const finishReason = status === 'incomplete' ? 'max_output_tokens' : 'completed';
  const said: Marks = { ...marks, responseId: id, model, finishReason };
  let sequence = 0;
  const nextSequence = (): number => sequence++;
  return {
    model,
    stream: body.stream === true,
    tokens: outputTokens(answer),
    whole: () => ({ body: JSON.stringify(ended), marks: [said] }),
    frames: () => responseFrames({ began, ended, items, marks: said, nextSequence }),
    errorFrame: () => {
      const { message } = usualProblem('openai', 500);
      const error = {
        type: 'error',
        code: 'server_error',
        message,
        param: null,
        sequence_number: nextSequence(),
      };
      return { event: 'error', data: JSON.stringify(error) };
    },
  };
}

/** The items of the output in the order in which a model makes them. */
function itemsOf(answer: Answer, letters: () => string): OutputItem[] {
  const status = answer.finish === 'length' ? 'incomplete' : 'completed';
  const items: OutputItem[] = [];
  if (answer.reasoning.length > 0 || answer.hiddenReasoning > 0) {
    const base = { id: `rs_${letters()}`, type: 'reasoning' };
    const text = answer.reasoning.join('');
    const summary = text === '' ? [] : [{ type: 'summary_text', text }];
    items.push({
      kind: 'reasoning',
      begun: { ...base, summary: [] },
      finished: { ...base, summary },
      tokens: answer.reasoning,
    });
  }
  for (const call of answer.toolCalls) {
    const { name } = call;
    const base = { id: `fc_${letters()}`, type: 'function_call', call_id: `call_${call.id}`, name };
    items.push({
      kind: 'function_call',
      begun: { ...base, arguments: '', status: 'in_progress' },
      finished: { ...base, arguments: call.argumentTokens.join(''), status },
      tokens: call.argumentTokens,
    });
  }
  if (answer.toolCalls.length === 0) {
    const base = { id: `msg_${letters()}`, type: 'message', role: 'assistant' };
    const part = { type: 'output_text', annotations: [], logprobs: [], text: answer.text.join('') };
    items.push({
      kind: 'message',
      begun: { ...base, status: 'in_progress', content: [] },
      finished: { ...base, status, content: [part] },
      tokens: answer.text,
    });
  }
  return items;
}

function countUsage(prompt: string, answer: Answer): { usage: object; marks: Marks } {
  const input = countPrompt(prompt);
  const cached = countCached(input);
  const output = outputTokens(answer);
  const reasoning = answer.hiddenReasoning + answer.reasoning.length;
  return {
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + output,
    },
    marks: {
      usage: {
        input_tokens: input,
        'input_tokens_details.cached_tokens': cached,
        output_tokens: output,
        'output_tokens_details.reasoning_tokens': reasoning,
        total_tokens: input + output,
      },
      tokens: { input, output, cacheRead: cached, reasoning },
    },
  };
}

/** A response as it stands before the model has said anything. */
function responseObject(body: JsonObject, id: string, model: string, created: number): Identified {
  const reasoning = objectOf(body.reasoning);
  return {
    id,
    object: 'response',
    created_at: created,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: textOf(body.instructions) ?? null,
    max_output_tokens: countOf(body.max_output_tokens) ?? null,
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls !== false,
    previous_response_id: textOf(body.previous_response_id) ?? null,
    reasoning: { effort: reasoning.effort ?? null, summary: reasoning.summary ?? null },
    service_tier: 'default',
    store: body.store !== false,
    temperature: typeof body.temperature === 'number' ? body.temperature : 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: listOf(body.tools),
    top_p: typeof body.top_p === 'number' ? body.top_p : 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: isObject(body.metadata) ? body.metadata : {},
  };
}
