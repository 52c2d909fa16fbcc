import { countOf, type JsonObject, textOf } from './json.ts';
import { answeringModel } from './models.ts';
import { emptyArray, missingModel, missingParameter, type Problem } from './problems.ts';
import type { Api, Script, Setting } from './script.ts';
import { randomOf } from './text.ts';

/** As many inputs, and as many dimensions, as the real API allows. */
const inputsMax = 2048;
const dimensionsMax = 3072;

/** https://platform.openai.com/docs/api-reference/embeddings */
export const openaiEmbeddings: Api = {
  operation: 'openai.embeddings',
  path: '/embeddings',
  shape: 'openai',
  refuse: (body) => refuseEmbeddings(body),
  script: (body, setting) => scriptEmbeddings(body, setting),
};

function refuseEmbeddings(body: JsonObject): Problem | undefined {
  if (textOf(body.model) === undefined) return missingModel;
  if (body.input === undefined || body.input === null) return missingParameter('input');
  const inputs = inputsOf(body.input);
  if (inputs.length === 0) return emptyArray('input');
  if (inputs.length > inputsMax) {
    return {
      status: 400,
      message: `Invalid 'input': array too long. Expected at most ${inputsMax} items.`,
      param: 'input',
    };
  }
  return undefined;
}

interface Input {
  readonly text: string;
  readonly tokens: number;
}

/** One text, several texts, one text as token numbers, or several of these. */
function inputsOf(input: unknown): Input[] {
  if (typeof input === 'string') return [textInput(input)];
  if (!Array.isArray(input)) return [];
  if (input.length > 0 && input.every((item) => typeof item === 'number')) return [tokenInput(input)];
  return input.flatMap((item) => {
    if (typeof item === 'string') return [textInput(item)];
    return Array.isArray(item) ? [tokenInput(item)] : [];
  });
}

function textInput(text: string): Input {
  return { text, tokens: Math.ceil(text.length / 4) };
}

function tokenInput(numbers: readonly unknown[]): Input {
  return { text: numbers.join(' '), tokens: numbers.length };
}

function scriptEmbeddings(body: JsonObject, setting: Setting): Script {
  const requested = textOf(body.model) ?? '';
  const model = answeringModel(requested);
  const usual = requested.endsWith('-large') ? 3072 : 1536;
  const dimensions = Math.min(countOf(body.dimensions, 1) ?? usual, dimensionsMax);
  const base64 = body.encoding_format === 'base64';
  const inputs = inputsOf(body.input);
  const input = inputs.reduce((sum, one) => sum + one.tokens, 0);

  const whole = (): ReturnType<Script['whole']> => {
    const data = inputs.map(({ text }, index) => {
      const vector = vectorOf(`${setting.seed}\n${requested}\n${text}`, dimensions);
      return { object: 'embedding', index, embedding: base64 ? asBase64(vector) : Array.from(vector) };
    });
    const usage = { prompt_tokens: input, total_tokens: input };
    return {
      body: JSON.stringify({ object: 'list', data, model, usage }),
      marks: [{ model, usage, tokens: { input } }],
    };
  };
  return {
    model,
    stream: false,
    tokens: 0,
    whole,
    frames: () => [],
    errorFrame: () => ({ event: '', data: '' }),
  };
}

/** A vector of length one that depends on nothing but its text. */
function vectorOf(seed: string, dimensions: number): Float32Array {
  const random = randomOf(seed);
  const vector = Float32Array.from({ length: dimensions }, () => random() * 2 - 1);
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) || 1;
  return vector.map((value) => value / norm);
}

/** Little-endian, as the API packs it. */
function asBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
