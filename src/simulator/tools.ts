import type { Question } from './answer.ts';
import { isObject, type JsonObject, listOf, objectOf, textOf } from './json.ts';
import { pick, type Random } from './text.ts';

export interface Tool {
  readonly name: string;
  /** A JSON Schema of the arguments. */
  readonly parameters: JsonObject;
}

/** `named` is the API's way to demand one particular tool. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly named: string };

/** Schemas nest; arguments that nest deeper than this are nobody's test. */
const depthMax = 6;

/**
 * The tools a model would call: the one that is demanded, or those that the user's words ask for. Someone
 * who has just been given a tool's result answers.
 */
export function toolsToCall(question: Question): readonly Tool[] {
  const { tools, toolChoice, lastUserText } = question;
  if (toolChoice === 'none' || tools.length === 0) return [];
  if (typeof toolChoice === 'object')
    return tools.filter((tool) => tool.name === toolChoice.named).slice(0, 1);

  const text = lastUserText.toLowerCase();
  const mentioned = tools.filter((tool) => wordsOf(tool.name).some((word) => text.includes(word)));
  const wanted = mentioned.length > 0 ? mentioned : tools.slice(0, 1);
  const called = question.parallelTools ? wanted : wanted.slice(0, 1);
  if (toolChoice === 'required') return called;
  if (question.toolAnswered) return [];
  return mentioned.length > 0 || /\b(tools?|functions?|call|use|look ?up)\b/.test(text) ? called : [];
}

/** `get_weather` is asked for by "weather"; `get`, `the` and the like say nothing. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 3);
}

/** Arguments that fit a plain JSON Schema: types, enums, properties and items; no references. */
export function toolArguments(random: Random, schema: JsonObject): JsonObject {
  return objectOf(sample(random, { ...schema, type: 'object' }, 0));
}

function sample(random: Random, schema: JsonObject, depth: number): unknown {
  const options = listOf(schema.enum);
  if (options.length > 0) return options[Math.floor(random() * options.length)];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (textOf(type)) {
    case 'object':
      return sampleObject(random, objectOf(schema.properties), depth);
    case 'array':
      return isObject(schema.items) && depth < depthMax ? [sample(random, schema.items, depth + 1)] : [];
    case 'integer':
      return 1 + Math.floor(random() * 40);
    case 'number':
      return Math.round(random() * 4000) / 100;
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    default:
      return pick(random, ['Zürich', '東京', 'São Paulo', 'Reykjavík', 'Kraków 🏰', 'Lisbon']);
  }
}

function sampleObject(random: Random, properties: JsonObject, depth: number): JsonObject {
  const made: Record<string, unknown> = {};
  if (depth >= depthMax) return made;
  for (const [name, property] of Object.entries(properties)) {
    made[name] = sample(random, objectOf(property), depth + 1);
  }
  return made;
}
