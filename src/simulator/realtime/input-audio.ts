import { textOf } from '../json.ts';
import { Mistake, missing } from './mistake.ts';

/** 16 bits, 24,000 times a second. */
const bytesPerMs = 48;

/** So much audio is taken for somebody who spoke and has finished: one second. */
const utteranceBytes = 1_000 * bytesPerMs;

export type Speech = 'started' | 'stopped';

/**
 * The audio of one session that no item has yet. There are no ears: where voice activity is to be detected, speech
 * begins with half an utterance's bytes and ends with all of them, whatever they sound like.
 */
export class InputAudio {
  #bytes = 0;
  #bytesEver = 0;
  #speaks = false;

  /** Throws a `Mistake`. */
  append(audio: unknown, detects: boolean): readonly Speech[] {
    const base64 = textOf(audio);
    if (base64 === undefined) throw missing('audio');
    const bytes = Buffer.byteLength(base64, 'base64');
    this.#bytes += bytes;
    this.#bytesEver += bytes;
    if (!detects) return [];
    const told: Speech[] = [];
    if (!this.#speaks && this.#bytes >= utteranceBytes / 2) told.push('started');
    this.#speaks ||= told.length > 0;
    if (this.#bytes >= utteranceBytes) told.push('stopped');
    return told;
  }

  /** Milliseconds of audio that the session has been sent. */
  get ms(): number {
    return Math.round(this.#bytesEver / bytesPerMs);
  }

  /** Takes what there is; returns its length in bytes. Throws a `Mistake` where there is none. */
  commit(): number {
    const bytes = this.#bytes;
    if (bytes === 0) {
      const message =
        'Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has 0.00ms of audio.';
      throw new Mistake('input_audio_buffer_commit_empty', message);
    }
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#bytes = 0;
    this.#speaks = false;
  }
}

/** About ten tokens a second. */
export function audioTokens(bytes: number): number {
  return Math.ceil(bytes / (100 * bytesPerMs));
}
