import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../src/wire/json.ts';

/** What a provider sent, and what is to be read from it. */
export interface Recording {
  readonly name: string;
  readonly bytes: Buffer;
  readonly facts: JsonObject;
  /** How many of its events carried output. */
  readonly outputs: number;
  /** Its texts, by slot; what `whole:` slots repeat is left out. */
  readonly texts: JsonObject;
}

const root = join(import.meta.dirname, '..', 'recordings');

/** The streams recorded in one folder of `test/recordings`. */
export function recordedStreams(folder: string): Recording[] {
  return load(folder, '.sse');
}

/** The whole replies recorded there. */
export function recordedReplies(folder: string): Recording[] {
  return load(folder, '.reply.json');
}

/** A recorded session: its messages in order, and what is to be read from them. */
export interface SessionRecording {
  readonly name: string;
  readonly messages: readonly { readonly from: 'client' | 'upstream'; readonly text: string }[];
  readonly expected: JsonObject;
}

/** Lines that begin with `>` are the client's, those with `<` the upstream's. */
export function recordedSessions(folder: string): SessionRecording[] {
  const suffix = '.session';
  const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(suffix));
  return files.sort().map((file) => {
    const name = file.slice(0, -suffix.length);
    const expected = parseJsonObject(readFileSync(join(root, folder, `${name}.expected.json`), 'utf8'));
    if (!expected) throw new Error(`${folder}/${name}.expected.json is no object`);
    const lines = readFileSync(join(root, folder, file), 'utf8')
      .trimEnd()
      .split('\n');
    const messages = lines.map((line) => ({
      from: line.startsWith('>') ? ('client' as const) : ('upstream' as const),
      text: line.slice(2),
    }));
    return { name, messages, expected };
  });
}

function load(folder: string, suffix: string): Recording[] {
  const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(suffix));
  return files.sort().map((file) => {
    const name = file.slice(0, -suffix.length);
    const expected = parseJsonObject(readFileSync(join(root, folder, `${name}.expected.json`), 'utf8'));
    if (
      !isJsonObject(expected?.facts) ||
      !isJsonObject(expected.texts) ||
      typeof expected.outputs !== 'number'
    ) {
      throw new Error(`${folder}/${name}.expected.json lacks facts, texts or outputs`);
    }
    const bytes = readFileSync(join(root, folder, file));
    return { name, bytes, facts: expected.facts, outputs: expected.outputs, texts: expected.texts };
  });
}

/** The same random numbers on every run. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The bytes in pieces of random lengths, none among them now and then. */
export function splitAtRandom(bytes: Buffer, random: () => number, pieceMax: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + Math.floor(random() * (pieceMax + 1));
    pieces.push(bytes.subarray(at, next));
    at = next;
  }
  return pieces;
}
