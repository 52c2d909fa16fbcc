import { type Answer, answerQuestion, outputTokens, type Question } from './answer.ts';
import { countOf, type JsonObject, objectOf, textOf, textsOf } from './json.ts';
import { answeringModel } from './models.ts';
import { countUsage } from './openai-chat.ts';
import { missingModel, missingParameter, openaiError, usualProblem } from './problems.ts';
import { gatherText } from './prompt.ts';
import type { Api, Frame, Marks, Script, Setting } from './script.ts';
import { idOf, randomOf } from './text.ts';

/** The API's own default: legacy clients that set nothing get short replies. */
const defaultMaxTokens = 16;
const choicesMax = 128;

/** https://platform.openai.com/docs/api-reference/completions (legacy) */
export const openaiCompletions: Api = {
  operation: 'openai.completions',
  path: '/completions',
  shape: 'openai',
  refuse: (body) => {
    if (textOf(body.model) === undefined) return missingModel;
    return body.prompt === undefined || body.prompt === null ? missingParameter('prompt') : undefined;
  },
  script: (body, setting) => scriptCompletion(body, setting),
};

interface CompletionParts {
  readonly base: { id: string; object: 'text_completion'; created: number; model: string };
  readonly answers: readonly Answer[];
  readonly usage: object;
  readonly marks: Marks;
}

function questionOf(body: JsonObject, model: string, prompt: string): Question {
  return {
    model,
    prompt,
    lastUserText: prompt,
    toolAnswered: false,
    tools: [],
    toolChoice: 'none',
    parallelTools: false,
    maxTokens: countOf(body.max_tokens, 1) ?? defaultMaxTokens,
    stop: textsOf(body.stop),
    reasoning: 'none',
  };
}

/** One text, several texts, one prompt as token numbers, or several of these. */
function promptsOf(prompt: unknown): string[] {
  if (!Array.isArray(prompt)) return [gatherText(prompt)];
  if (prompt.every((item) => typeof item === 'number')) return [prompt.join(' ')];
  return prompt.map((item) => (Array.isArray(item) ? item.join(' ') : gatherText(item)));
}

function scriptCompletion(body: JsonObject, setting: Setting): Script {
  const requested = textOf(body.model) ?? '';
  const prompts = promptsOf(body.prompt);
  const choices = Math.min(countOf(body.n, 1) ?? 1, choicesMax);
  const answers = prompts
    .slice(0, choicesMax)
    .flatMap((prompt) =>
      Array.from({ length: choices }, (_, choice) =>
        answerQuestion(questionOf(body, requested, prompt), setting.seed, choice, setting.wish),
      ),
    );
  const prompt = prompts.join('\n');
  const random = randomOf(`${setting.seed}\ncompletions\n${requested}\n${prompt}`);
  const model = answeringModel(requested);
  const base = {
    id: idOf(random, 'cmpl-', 29),
    object: 'text_completion' as const,
    created: setting.created,
    model,
  };
  const parts: CompletionParts = { base, answers, ...countUsage(prompt, answers) };
  const includeUsage = objectOf(body.stream_options).include_usage === true;
  return {
    model,
    stream: body.stream === true,
    tokens: Math.max(0, ...answers.map(outputTokens)),
    whole: () => wholeCompletion(parts),
    frames: () => completionFrames(parts, includeUsage),
    errorFrame: () => ({ event: '', data: JSON.stringify(openaiError(usualProblem('openai', 500))) }),
  };
}

function wholeCompletion({ base, answers, usage, marks }: CompletionParts): ReturnType<Script['whole']> {
  const choices = answers.map((answer, index) => ({
    text: answer.text.join(''),
    index,
    logprobs: null,
    finish_reason: answer.finish,
  }));
  const said: Marks[] = answers.map((answer) => ({ finishReason: answer.finish }));
  return {
    body: JSON.stringify({ ...base, choices, usage }),
    marks: [{ ...marks, responseId: base.id, model: base.model }, ...said],
  };
}

function* completionFrames(
  { base, answers, usage, marks }: CompletionParts,
  includeUsage: boolean,
): Generator<Frame> {
  const head = `${JSON.stringify(base).slice(0, -1)},"choices":[`;
  const tail = includeUsage ? '],"usage":null}' : ']}';
  const chunk = (index: number, text: string, finish: string): string =>
    `${head}{"text":${JSON.stringify(text)},"index":${index},"logprobs":null,"finish_reason":${finish}}${tail}`;

  const said = { responseId: base.id, model: base.model };
  for (const [index, answer] of answers.entries()) {
    for (const token of answer.text) {
      yield { event: '', data: chunk(index, token, 'null'), output: true, marks: said };
    }
    const data = chunk(index, '', `"${answer.finish}"`);
    yield { event: '', data, marks: { ...said, finishReason: answer.finish } };
  }
  if (includeUsage) yield { event: '', data: `${head}],"usage":${JSON.stringify(usage)}}`, marks };
  yield { event: '', data: '[DONE]', terminal: true };
}
