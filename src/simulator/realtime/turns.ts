import type { IncomingMessage } from 'node:http';
import { type Character, header } from '../exchange.ts';
import { faultOf } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { JsonObject } from '../json.ts';
import { answeringModel } from '../models.ts';
import { Pace } from '../pace.ts';
import type { Recorder } from '../recorder.ts';
import type { Conversation } from './conversation.ts';
import { Mistake } from './mistake.ts';
import { ResponseScript } from './response-script.ts';
import type { Settings } from './settings.ts';
import type { SocketLine } from './socket-line.ts';
import { Turn } from './turn.ts';
import type { Wire } from './wire.ts';

export interface TurnsParts {
  readonly request: IncomingMessage;
  /** The session's: 1, 2, 3, … in order of arrival. */
  readonly number: number;
  readonly model: string;
  readonly character: Character;
  readonly journal: Journal;
  readonly line: SocketLine;
  readonly wire: Wire;
  readonly settings: Settings;
  readonly conversation: Conversation;
  readonly conversationId: string;
  /** An id that no other thing of this session has. */
  nextId(prefix: string): string;
}

/** The responses of one session. One at a time may add to the conversation; others may run beside it. */
export class Turns {
  readonly #parts: TurnsParts;
  #turns: readonly Turn[] = [];
  #count = 0;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /**
   * A response begins. `query`: the message that asks for it; undefined where the end of speech does.
   * `audioTokens`: of what was heard. Throws a `Mistake` where one runs.
   */
  begin(asked: JsonObject, audioTokens: number, query?: Buffer): void {
    const { settings, conversationId, model, character } = this.#parts;
    const order = settings.order(asked);
    const active = this.#active();
    if (active && !order.isOutOfBand) {
      const message = `Conversation already has an active response in progress: ${active.responseId}. Wait until the response is finished before creating a new one.`;
      throw new Mistake('conversation_already_has_active_response', message);
    }
    const fault = faultOf(model);
    const recorder = this.#record(query);
    if (fault) recorder.entry.fault = fault.name;
    const begun = settings.response(this.#parts.nextId('resp_'), conversationId, order);
    const script = new ResponseScript({
      begun,
      order,
      model: answeringModel(model),
      conversation: this.#parts.conversation,
      audioTokens,
      wire: this.#parts.wire,
      setting: {
        seed: character.seed,
        created: Math.floor(character.clock() / 1000),
        wish: { tokens: fault?.name === 'sim-tokens' ? fault.argument : undefined },
      },
      nextItemId: () => this.#parts.nextId('item_'),
    });
    const slowly = fault?.name === 'sim-slow-token' && { tokensPerSecond: 1000 / fault.argument };
    const tempo = { ...character.tempo, ...slowly };
    const pace = () => new Pace(performance.now(), tempo);
    const { isOutOfBand } = order;
    const { line } = this.#parts;
    const turn = new Turn({ responseId: begun.id, isOutOfBand, script, line, recorder, pace, fault });
    this.#turns = [...this.#turns.filter((one) => !one.hasEnded), turn];
    turn.start();
  }

  /** A response runs that only one can at a time. */
  get isBusy(): boolean {
    return this.#active() !== undefined;
  }

  /** The client takes back what it asked for. Throws a `Mistake` where nothing runs. */
  cancel(responseId: unknown): void {
    const turn =
      typeof responseId === 'string'
        ? this.#turns.find((one) => one.isActive && one.responseId === responseId)
        : this.#active();
    if (!turn)
      throw new Mistake('response_cancel_not_active', 'Cancellation failed: no active response found');
    turn.interrupt({ status: 'cancelled', reason: 'client_cancelled' });
  }

  /** Somebody speaks. */
  interrupt(): void {
    this.#active()?.interrupt({ status: 'cancelled', reason: 'turn_detected' });
  }

  /** Settled when the response that runs, if any, sends no more. */
  async idle(): Promise<void> {
    await this.#active()?.finished;
  }

  /** The connection will be destroyed, and not by the client. */
  kill(): void {
    for (const turn of this.#turns) turn.kill();
  }

  /** The connection is gone. */
  gone(): void {
    for (const turn of this.#turns) turn.gone();
  }

  #active(): Turn | undefined {
    return this.#turns.find((turn) => turn.isActive && !turn.isOutOfBand);
  }

  #record(query: Buffer | undefined): Recorder {
    const { request, journal, number, model } = this.#parts;
    this.#count += 1;
    const recorder = journal.begin({
      requestId: header(request, 'x-request-id'),
      traceparent: header(request, 'traceparent'),
      method: request.method ?? '',
      url: request.url ?? '',
      session: number,
      turn: this.#count,
      at: performance.now(),
    });
    const { entry } = recorder;
    entry.operation = 'openai.realtime';
    entry.modelRequested = model;
    entry.stream = true;
    if (query) recorder.requestPiece(query);
    recorder.requestEnded();
    return recorder;
  }
}
