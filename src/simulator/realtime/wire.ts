import type { JsonObject } from '../json.ts';
import { idOf, type Random } from '../text.ts';

/** Names that events had in the beta; those without one did not exist. */
const betaNames: Readonly<Record<string, string | undefined>> = {
  'conversation.item.added': 'conversation.item.created',
  'conversation.item.done': undefined,
  'response.output_text.delta': 'response.text.delta',
  'response.output_text.done': 'response.text.done',
  'response.output_audio.delta': 'response.audio.delta',
  'response.output_audio.done': 'response.audio.done',
  'response.output_audio_transcript.delta': 'response.audio_transcript.delta',
  'response.output_audio_transcript.done': 'response.audio_transcript.done',
};

/** Tells the client something, outside of any response. */
export type Say = (type: string, fields: object) => void;

/** How one session writes its events: numbered, and in the words of today or of the beta. */
export class Wire {
  readonly isBeta: boolean;
  readonly #stem: string;
  #events = 0;

  constructor(isBeta: boolean, random: Random) {
    this.isBeta = isBeta;
    this.#stem = idOf(random, 'event_', 14);
  }

  /** The event as it is sent; undefined where the API of this session has none of this type. */
  format(type: string, fields: object): string | undefined {
    const name = this.isBeta && Object.hasOwn(betaNames, type) ? betaNames[type] : type;
    if (name === undefined) return undefined;
    this.#events += 1;
    const event_id = `${this.#stem}${this.#events.toString(36).padStart(7, '0')}`;
    return JSON.stringify({ type: name, event_id, ...fields });
  }

  /** A part of a finished message. */
  part(kind: 'text' | 'audio', said: string): JsonObject {
    const type = this.isBeta ? kind : `output_${kind}`;
    return kind === 'text' ? { type, text: said } : { type, transcript: said };
  }
}
