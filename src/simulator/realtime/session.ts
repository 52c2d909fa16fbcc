import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Character } from '../exchange.ts';
import type { Journal } from '../journal.ts';
import { isObject, type JsonObject, objectOf, textOf } from '../json.ts';
import { answeringModel } from '../models.ts';
import { idOf, type Random, randomOf } from '../text.ts';
import { Conversation, readItem } from './conversation.ts';
import { Listener } from './listener.ts';
import { Mistake, unsupported } from './mistake.ts';
import { Settings } from './settings.ts';
import { SocketLine } from './socket-line.ts';
import { Turns } from './turns.ts';
import { type Say, Wire } from './wire.ts';

export interface SessionParts {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** 1, 2, 3, … in order of arrival. */
  readonly number: number;
  readonly model: string;
  readonly isBeta: boolean;
  readonly character: Character;
  readonly journal: Journal;
}

type Handler = (message: JsonObject, bytes: Buffer) => void;

/** https://platform.openai.com/docs/guides/realtime-conversations: minutes are 30 at first, 60 by now. */
const lifeSeconds = 3_600;

/** One connection to the realtime API: a conversation, and the responses to it. */
export class Session {
  readonly #line: SocketLine;
  readonly #random: Random;
  readonly #wire: Wire;
  readonly #settings: Settings;
  readonly #conversation = new Conversation();
  readonly #listener: Listener;
  readonly #turns: Turns;
  readonly #handlers: Readonly<Record<string, Handler>>;

  constructor(parts: SessionParts) {
    const { socket, character, number, model, isBeta } = parts;
    this.#line = new SocketLine(socket);
    this.#random = randomOf(`${character.seed}\nrealtime\n${number}`);
    this.#wire = new Wire(isBeta, this.#random);
    const nextId = (prefix: string): string => idOf(this.#random, prefix, 21);
    const expiresAt = Math.floor(character.clock() / 1000) + lifeSeconds;
    this.#settings = new Settings(nextId('sess_'), answeringModel(model), expiresAt, isBeta);
    const mine = { settings: this.#settings, conversation: this.#conversation, nextId };
    const conversationId = nextId('conv_');
    this.#turns = new Turns({ ...parts, ...mine, line: this.#line, wire: this.#wire, conversationId });
    this.#listener = new Listener({
      ...mine,
      say: this.#say,
      onSpeech: ({ interrupts }) => interrupts && this.#turns.interrupt(),
      onSilence: ({ responds }) => {
        if (responds) void this.#respondByItself();
      },
    });
    this.#handlers = this.#handlersByType(nextId);
    socket.on('message', (data: Buffer) => this.#receive(data));
    socket.once('close', () => this.#turns.gone());
    this.#say('session.created', { session: this.#settings.session });
  }

  /** Its connection is about to be destroyed, and not by its client. */
  kill(): void {
    this.#turns.kill();
  }

  readonly #say: Say = (type, fields) => {
    const data = this.#wire.format(type, fields);
    if (data !== undefined) this.#line.answer(data);
  };

  #receive(bytes: Buffer): void {
    let eventId: string | null = null;
    try {
      const message = parse(bytes);
      eventId = textOf(message.event_id) ?? null;
      if (message.type === undefined) throw new Mistake('invalid_event', "The 'type' field is missing.");
      const type = String(message.type);
      const handler = Object.hasOwn(this.#handlers, type) ? this.#handlers[type] : undefined;
      if (!handler) throw unsupported('type', type, Object.keys(this.#handlers));
      handler(message, bytes);
    } catch (thrown) {
      if (!(thrown instanceof Mistake)) throw thrown;
      const { code, message, param } = thrown;
      const error = { type: 'invalid_request_error', code, message, param, event_id: eventId };
      this.#say('error', { error });
    }
  }

  #handlersByType(nextId: (prefix: string) => string): Readonly<Record<string, Handler>> {
    const conversation = this.#conversation;
    return {
      'session.update': ({ session }) => {
        this.#settings.update(session);
        this.#say('session.updated', { session: this.#settings.session });
      },
      'input_audio_buffer.append': ({ audio }) => this.#listener.hear(audio),
      'input_audio_buffer.commit': () => this.#listener.commit(),
      'input_audio_buffer.clear': () => this.#listener.clear(),
      'conversation.item.create': (message) => {
        const item = readItem(message.item, nextId('item_'));
        const previous_item_id = conversation.add(item, message.previous_item_id);
        this.#say('conversation.item.added', { previous_item_id, item });
        this.#say('conversation.item.done', { previous_item_id, item });
      },
      'conversation.item.retrieve': ({ item_id }) =>
        this.#say('conversation.item.retrieved', { item: conversation.find(item_id) }),
      'conversation.item.delete': ({ item_id }) => {
        conversation.delete(item_id);
        this.#say('conversation.item.deleted', { item_id });
      },
      'conversation.item.truncate': ({ item_id, content_index, audio_end_ms }) => {
        conversation.find(item_id);
        this.#say('conversation.item.truncated', { item_id, content_index, audio_end_ms });
      },
      'response.create': ({ response }, bytes) =>
        this.#turns.begin(objectOf(response), this.#listener.audioTokens, bytes),
      'response.cancel': ({ response_id }) => this.#turns.cancel(response_id),
    };
  }

  /** Somebody has finished speaking: what they cut off says its last event first. */
  async #respondByItself(): Promise<void> {
    await this.#turns.idle();
    if (!this.#line.closed && !this.#turns.isBusy) this.#turns.begin({}, this.#listener.audioTokens);
  }
}

function parse(bytes: Buffer): JsonObject {
  try {
    const message: unknown = JSON.parse(bytes.toString());
    if (isObject(message)) return message;
  } catch {
    // Told below.
  }
  throw new Mistake('invalid_event', 'The message is not valid JSON, or no object.');
}
