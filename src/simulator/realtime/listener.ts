import { randomOf, writeSentences } from '../text.ts';
import { type Conversation, type Item, readItem } from './conversation.ts';
import { audioTokens, InputAudio } from './input-audio.ts';
import type { Settings, TurnDetection } from './settings.ts';
import type { Say } from './wire.ts';

export interface ListenerParts {
  readonly say: Say;
  readonly settings: Settings;
  readonly conversation: Conversation;
  nextId(prefix: string): string;
  onSpeech(detection: TurnDetection): void;
  /** What was said is an item of the conversation. */
  onSilence(detection: TurnDetection): void;
}

/** Hears what is spoken on one session, and makes items of it. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #audio = new InputAudio();
  /** The item that what is spoken now will become. */
  #itemId: string | undefined;
  #heardBytes = 0;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  /** Of all that became an item. */
  get audioTokens(): number {
    return audioTokens(this.#heardBytes);
  }

  /** Throws a `Mistake`. */
  hear(audio: unknown): void {
    const { say, settings } = this.#parts;
    const { turnDetection } = settings;
    const told = this.#audio.append(audio, turnDetection !== undefined);
    if (!turnDetection) return;
    for (const speech of told) {
      this.#itemId ??= this.#parts.nextId('item_');
      const item_id = this.#itemId;
      if (speech === 'started') {
        say('input_audio_buffer.speech_started', { audio_start_ms: this.#audio.ms, item_id });
        this.#parts.onSpeech(turnDetection);
      } else {
        say('input_audio_buffer.speech_stopped', { audio_end_ms: this.#audio.ms, item_id });
        this.commit();
        this.#parts.onSilence(turnDetection);
      }
    }
  }

  clear(): void {
    this.#audio.clear();
    this.#itemId = undefined;
    this.#parts.say('input_audio_buffer.cleared', {});
  }

  /** Throws a `Mistake`. */
  commit(): void {
    const { say, settings, conversation, nextId } = this.#parts;
    this.#heardBytes += this.#audio.commit();
    const item_id = this.#itemId ?? nextId('item_');
    this.#itemId = undefined;
    const said = { type: 'message', role: 'user', content: [{ type: 'input_audio', transcript: null }] };
    const item = readItem(said, item_id);
    const previous_item_id = conversation.add(item);
    say('input_audio_buffer.committed', { previous_item_id, item_id });
    say('conversation.item.added', { previous_item_id, item });
    say('conversation.item.done', { previous_item_id, item });
    if (settings.transcribes) this.#transcribe(item);
  }

  /** Another model writes down what was said; here it is whatever comes to its mind. */
  #transcribe(item: Item): void {
    const { say, conversation } = this.#parts;
    const place = { item_id: item.id, content_index: 0 };
    const event = (name: string) => `conversation.item.input_audio_transcription.${name}`;
    const tokens = writeSentences(randomOf(item.id), (count) => count > 0);
    for (const delta of tokens) say(event('delta'), { ...place, delta, logprobs: null });
    const transcript = tokens.join('');
    conversation.replace({ ...item, content: [{ type: 'input_audio', transcript }] });
    const usage = {
      type: 'tokens',
      total_tokens: tokens.length,
      input_tokens: 0,
      output_tokens: tokens.length,
    };
    say(event('completed'), { ...place, transcript, logprobs: null, usage });
  }
}
