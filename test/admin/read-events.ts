import assert from 'node:assert/strict';

export interface ReadEvent<Data> {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Data;
}

/**
 * Reads a stream of events as the standard has it, comments left out.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function readEvents<Data = unknown>(reply: Response) {
  const reader = (reply.body ?? assert.fail('no body')).pipeThrough(new TextDecoderStream()).getReader();
  const waiting: ReadEvent<Data>[] = [];
  let rest = '';
  let isOver = false;

  async function more(): Promise<void> {
    const { value, done } = await reader.read();
    isOver = done;
    const blocks = (rest + (value ?? '')).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
      const data = fields.get('data');
      if (data !== undefined)
        waiting.push({ id: fields.get('id'), event: fields.get('event'), data: JSON.parse(data) });
    }
  }

  return {
    /** The next so many, or as many as there are to the end. */
    async take(count: number): Promise<ReadEvent<Data>[]> {
      while (waiting.length < count && !isOver) await more();
      return waiting.splice(0, count);
    },
    /** What is left, when the stream ends properly; rejects where it breaks off. */
    async rest(): Promise<ReadEvent<Data>[]> {
      while (!isOver) await more();
      return waiting.splice(0);
    },
    leave: () => reader.cancel(),
  };
}
