import { hash } from 'node:crypto';

/** Replies longer than this are nobody's test; it bounds what `x-simulator-size` can ask for. */
export const textBytesMax = 16 * 1024 * 1024;

/** A reproducible source of numbers in [0, 1), with its whole state in the text that seeded it (sfc32). */
export type Random = () => number;

export function randomOf(seed: string): Random {
  const digest = hash('sha256', seed, 'buffer');
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `chatcmpl-…`, `msg_…`, `call_…`: the prefix and as many letters as the real APIs use. */
export function idOf(random: Random, prefix: string, length: number): string {
  let id = prefix;
  for (let index = 0; index < length; index += 1)
    id += alphabet.charAt(Math.floor(random() * alphabet.length));
  return id;
}

/** About every third carries characters of two, three or four bytes: replies get split inside them. */
const sentences = [
  'A trace begins where the request enters and ends where the last byte leaves.',
  'The first token matters more to a reader than the average one.',
  'Short answers are cheap, and clear answers are cheaper still.',
  'Measure the tail, because the tail is where people wait.',
  'In the café on the corner, a résumé of the day costs two euros – naïve, but fair.',
  'Every retry is a question that was asked twice.',
  'The word for observation is 観測, and the word for trace is 痕跡.',
  'A queue without a bound is a promise that nobody can keep.',
  'When the river is low, the stones show where the water ran.',
  'Good dashboards are quiet until there is something to say 🚀.',
  'A cache remembers what you asked; it never knows why.',
  'Ship small, watch closely, and roll back without shame 🙂.',
  'In Zürich the trains are late by seconds, and somebody counts them.',
  'Streams end in two ways: with a last word, or with silence.',
  'To debug a system is to disagree with your own picture of it.',
  'Die Größe der Anfrage erklärt selten ihre Dauer.',
  'The library closes at nine, but the lights stay on for the cleaners.',
  'One clock is certain, two clocks are a discussion 🕰️.',
  'Backpressure is the politeness of programs.',
  'El niño preguntó mañana, y la respuesta llegó ayer.',
  'Count what was sent, not what was meant to be sent.',
  '東京の朝は早く、電車は静かです。',
  'A good error names the place, the reason and the next step.',
  'Tea first, then the incident report ☕️.',
] as const;

/** Runs of letters, digits, single ideographs, emoji with their joiners, marks: about what tokenizers make. */
const tokenPattern =
  / ?\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\u200d|\ufe0f)*| ?[\p{sc=Latin}\p{M}]{1,7}| ?\p{N}{1,3}|\p{L}{1,2}|[^\p{L}\p{N}]/gu;

interface Sentence {
  readonly text: string;
  readonly tokens: readonly string[];
}

const tokenized: readonly Sentence[] = sentences.map((text) => ({ text, tokens: tokensOf(text) }));

export function tokensOf(text: string): string[] {
  return text.match(tokenPattern) ?? [];
}

/** Readable sentences, one after another without end: their tokens, the first with the gap before it. */
function* sentenceTokens(random: Random): Generator<readonly string[]> {
  for (let index = 0; ; index += 1) {
    const sentence = tokenized[Math.floor(random() * tokenized.length)];
    if (!sentence) continue;
    if (index === 0) {
      yield sentence.tokens;
      continue;
    }
    const gap = index % 6 === 0 ? '\n\n' : ' ';
    const [first = '', ...rest] = sentence.tokens;
    yield [gap + first, ...rest];
  }
}

/** Whole sentences until `enough` says so. */
export function writeSentences(random: Random, enough: (tokens: number, bytes: number) => boolean): string[] {
  const tokens: string[] = [];
  let bytes = 0;
  for (const sentence of sentenceTokens(random)) {
    for (const token of sentence) {
      tokens.push(token);
      bytes += Buffer.byteLength(token);
    }
    if (enough(tokens.length, bytes) || bytes >= textBytesMax) break;
  }
  return tokens;
}
