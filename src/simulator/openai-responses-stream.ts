import type { Frame, Marks } from './script.ts';

/** A part of a response that events refer to. */
export interface Identified {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** One item of a response's output, as it is announced and as it turns out. */
export interface OutputItem {
  readonly kind: 'reasoning' | 'message' | 'function_call';
  readonly begun: Identified;
  readonly finished: Identified;
  /** Of its text, of its summary or of its arguments. */
  readonly tokens: readonly string[];
}

export interface ResponseParts {
  readonly began: Identified;
  readonly ended: Identified & { readonly status: string };
  readonly items: readonly OutputItem[];
  readonly marks: Marks;
  readonly nextSequence: () => number;
}

/** The typed events of one response, in the order of the real API. */
export function* responseFrames({
  began,
  ended,
  items,
  marks,
  nextSequence,
}: ResponseParts): Generator<Frame> {
  const { responseId = '', model = '' } = marks;
  const event = (type: string, fields: object, more: Partial<Frame> = {}): Frame => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: nextSequence(), ...fields }),
    ...more,
  });
  yield event('response.created', { response: began }, { marks: { responseId, model } });
  yield event('response.in_progress', { response: began });
  for (const [index, item] of items.entries()) {
    yield event('response.output_item.added', { output_index: index, item: item.begun });
    yield* contentFrames[item.kind](item, index, nextSequence);
    yield event('response.output_item.done', { output_index: index, item: item.finished });
  }
  yield event(`response.${ended.status}`, { response: ended }, { marks, terminal: true });
}

type ContentFrames = (item: OutputItem, index: number, nextSequence: () => number) => Generator<Frame>;

const contentFrames: Readonly<Record<OutputItem['kind'], ContentFrames>> = {
  *message({ begun, tokens }, index, nextSequence) {
    const place = { item_id: begun.id, output_index: index, content_index: 0 };
    const event = eventIn(place, nextSequence);
    const part = { type: 'output_text', annotations: [], logprobs: [], text: '' };
    yield event('response.content_part.added', { part });
    for (const delta of tokens) yield event('response.output_text.delta', { delta, logprobs: [] }, true);
    const text = tokens.join('');
    yield event('response.output_text.done', { text, logprobs: [] });
    yield event('response.content_part.done', { part: { ...part, text } });
  },

  *function_call({ begun, tokens }, index, nextSequence) {
    const event = eventIn({ item_id: begun.id, output_index: index }, nextSequence);
    for (const delta of tokens) yield event('response.function_call_arguments.delta', { delta }, true);
    yield event('response.function_call_arguments.done', { arguments: tokens.join('') });
  },

  /** What is thought is shown only as a summary, where one was asked for. */
  *reasoning({ begun, tokens }, index, nextSequence) {
    if (tokens.length === 0) return;
    const event = eventIn({ item_id: begun.id, output_index: index, summary_index: 0 }, nextSequence);
    yield event('response.reasoning_summary_part.added', { part: { type: 'summary_text', text: '' } });
    for (const delta of tokens) yield event('response.reasoning_summary_text.delta', { delta }, true);
    const text = tokens.join('');
    yield event('response.reasoning_summary_text.done', { text });
    yield event('response.reasoning_summary_part.done', { part: { type: 'summary_text', text } });
  },
};

function eventIn(place: object, nextSequence: () => number) {
  return (type: string, fields: object, output = false): Frame => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: nextSequence(), ...place, ...fields }),
    output,
  });
}
