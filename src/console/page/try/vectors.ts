import { list } from '../../../dialects/payload.ts';
import { isJsonObject, type JsonObject } from '../../../wire/json.ts';
import { type ContentPart, plainPart } from '../trace/content.ts';

const numbersShown = 4;

/** The vectors of an embedding, in a line each: nobody reads all of their numbers. */
export function vectorsOf({ data }: JsonObject): ContentPart[] {
  return list(data)
    .filter(isJsonObject)
    .flatMap(({ embedding }) => {
      const words = wordsFor(embedding);
      return words === undefined ? [] : plainPart('text', words);
    });
}

function wordsFor(embedding: unknown): string | undefined {
  if (typeof embedding === 'string') return `A vector of ${embedding.length} characters in base64`;
  if (!Array.isArray(embedding)) return undefined;
  const first = embedding.slice(0, numbersShown).join(', ');
  return `A vector of ${embedding.length} numbers: ${first}${embedding.length > numbersShown ? ', …' : ''}`;
}
