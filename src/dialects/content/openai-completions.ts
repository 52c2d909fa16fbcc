import type { JsonObject } from '../../wire/json.ts';
import { list, text } from '../payload.ts';
import { ChoicesCollector } from './choices-collector.ts';
import type { DialectContent, Part } from './content.ts';
import { textPart } from './parts.ts';
import { TextRuns } from './text-runs.ts';

/** A prompt is what a user says, several prompts are several messages. */
export const openaiCompletionsContent: DialectContent = {
  readInput: (payload) => ({
    messages: prompts(payload.prompt).map((prompt) => ({
      role: 'user',
      parts: [prompt, ...suffix(payload)],
    })),
    systemInstructions: [],
    toolDefinitions: [],
  }),
  collect: (room) =>
    new ChoicesCollector(
      () => {
        const runs = new TextRuns(room);
        return { add: (choice) => runs.add('text', text(choice.text) ?? ''), parts: () => runs.parts };
      },
      room,
      (choice) => choice,
    ),
};

function prompts(prompt: unknown): Part[] {
  if (typeof prompt === 'string') return [textPart(prompt)];
  const items = list(prompt);
  if (typeof items[0] === 'number') return [tokensPart(items)];
  return items.flatMap((item) => {
    if (typeof item === 'string') return textPart(item);
    return Array.isArray(item) ? tokensPart(item) : [];
  });
}

/** A prompt may be given as the numbers of its tokens. */
function tokensPart(tokens: readonly unknown[]): Part {
  return { type: 'tokens', count: tokens.length };
}

/** What is to come after the text that is asked for. */
function suffix(payload: JsonObject): Part[] {
  const after = text(payload.suffix);
  return after === undefined ? [] : [{ type: 'suffix', content: after }];
}
