import { isObject, textOf } from './json.ts';

/** Content nests (a tool's result holds parts that hold text); deeper than this is nobody's prompt. */
const depthMax = 8;

/** Every text in a message, its parts and their parts, in order. */
export function gatherText(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value;
  if (depth >= depthMax) return '';
  if (Array.isArray(value)) {
    return value
      .map((item) => gatherText(item, depth + 1))
      .filter((text) => text !== '')
      .join('\n');
  }
  if (!isObject(value)) return '';
  const text = value.text ?? value.content ?? value.output ?? value.arguments;
  return gatherText(text, depth + 1);
}

/** The text of the last message whose role is `user`. */
export function lastUserText(messages: readonly unknown[]): string {
  const last = messages.findLast((message) => isObject(message) && textOf(message.role) === 'user');
  return gatherText(last);
}

/** About four characters a token, and a few tokens that frame the prompt. */
export function countPrompt(prompt: string): number {
  return Math.ceil(prompt.length / 4) + 3;
}

/** Long prompts are found in the cache by their first 1024 tokens and steps of 128, as at OpenAI. */
export function countCached(promptTokens: number): number {
  if (promptTokens < 1024) return 0;
  return 1024 + 128 * Math.floor((promptTokens - 1024) / 2 / 128);
}
