import { isJsonObject, type JsonObject } from '../wire/json.ts';
import type { TextMap } from './dialect.ts';
import { withContent, withField, withObjects, withText, withTexts } from './text-walk.ts';

/**
 * An item of the responses API, in a query's `input` or a reply's `output`: a message, a call of a tool, what
 * the tool gave back, reasoning. The fields that carry text have the same names in all of them.
 */
export function withItemText(item: JsonObject, map: TextMap, slot: string): JsonObject {
  let next = withField(item, 'content', (content) => withContent(content, map, `${slot}:content`));
  next = withField(next, 'summary', (summary) => withContent(summary, map, `${slot}:summary`));
  next = withField(next, 'output', (output) => withContent(output, map, `${slot}:output`));
  next = withText(next, 'arguments', map, `${slot}:arguments`);
  next = withText(next, 'input', map, `${slot}:input`);
  next = withText(next, 'code', map, `${slot}:code`);
  next = withField(next, 'action', (action) => {
    if (!isJsonObject(action)) return action;
    return withField(action, 'commands', (commands) => withTexts(commands, map, `${slot}:command`));
  });
  return withField(next, 'operation', (operation) =>
    isJsonObject(operation) ? withText(operation, 'diff', map, `${slot}:diff`) : operation,
  );
}

/** A list of items; those that `wanted` refuses stay as they are. */
export function withItemsText(
  items: unknown,
  map: TextMap,
  slot: string,
  wanted: (item: JsonObject) => boolean = () => true,
): unknown {
  return withObjects(items, (item, i) => (wanted(item) ? withItemText(item, map, `${slot}:${i}`) : item));
}
