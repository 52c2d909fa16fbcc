import type { QueryFacts } from '../exchange/facts.ts';
import type { JsonObject } from '../wire/json.ts';
import { count, finite, integer, label, list } from './payload.ts';

/** Today's APIs take 4; what is beyond this many is left out. */
const stopSequencesMax = 16;

/**
 * What a query asks for. All dialects name these fields alike where they have them; the limit of the
 * reply's length has three names.
 */
export function readQueryFacts(payload: JsonObject): QueryFacts {
  const facts: QueryFacts = { stream: payload.stream === true };
  const note = <K extends keyof QueryFacts>(key: K, value: QueryFacts[K] | undefined): void => {
    if (value !== undefined) facts[key] = value;
  };
  note('model', label(payload.model));
  note(
    'maxTokens',
    count(payload.max_completion_tokens) ?? count(payload.max_output_tokens) ?? count(payload.max_tokens),
  );
  note('temperature', finite(payload.temperature));
  note('topP', finite(payload.top_p));
  note('topK', finite(payload.top_k));
  note('frequencyPenalty', finite(payload.frequency_penalty));
  note('presencePenalty', finite(payload.presence_penalty));
  note('stopSequences', stopSequences(payload.stop ?? payload.stop_sequences));
  note('seed', integer(payload.seed));
  note('choiceCount', count(payload.n));
  return facts;
}

function stopSequences(value: unknown): string[] | undefined {
  const sequences: string[] = [];
  for (const item of typeof value === 'string' ? [value] : list(value)) {
    const sequence = label(item);
    if (sequence !== undefined) sequences.push(sequence);
    if (sequences.length === stopSequencesMax) break;
  }
  return sequences.length === 0 ? undefined : sequences;
}
