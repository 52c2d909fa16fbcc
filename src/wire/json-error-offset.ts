import { type ParseErrorCode, visit } from 'jsonc-parser';

/** Ends the look at a text that has shown where it is wrong. */
class Found extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super();
    this.offset = offset;
  }
}

/**
 * Where a text stops being JSON: the offset of what cannot stand there, in characters. `JSON.parse` gives it
 * only sometimes, and quotes the text, which may be somebody's prompt. Undefined where it is nested too deeply to be
 * looked at.
 */
export function jsonErrorOffset(text: string): number | undefined {
  try {
    // The first error is told, and a text of commas alone has one at each.
    const onError = (_error: ParseErrorCode, offset: number) => {
      throw new Found(offset);
    };
    visit(text, { onError }, { disallowComments: true });
  } catch (thrown) {
    if (thrown instanceof Found) return thrown.offset;
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
  return text.length;
}
