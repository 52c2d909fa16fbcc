import type { UpstreamMark } from '../../dialects/session-dialect.ts';
import { asSightlineError } from '../../errors.ts';
import { Chunk } from '../../exchange/chunk.ts';
import { noteChunk } from '../../flow/moments.ts';
import { type JsonObject, parseJsonObject } from '../../wire/json.ts';
import type { Message, Sending } from '../session-reader.ts';
import type { BetweenTurns } from './between-turns.ts';
import { textMessage } from './problem-message.ts';
import type { ProxiedScene } from './proxied-scene.ts';
import type { Turn } from './turn.ts';
import type { Turns } from './turns.ts';

const other: UpstreamMark = Object.freeze({ kind: 'other' });

/** A message of the upstream, understood. */
interface Told {
  /** Undefined where nobody has read it yet. */
  readonly text: string | undefined;
  readonly payload: JsonObject | undefined;
  readonly mark: UpstreamMark;
  readonly turn: Turn | undefined;
  /** The turn's last message. */
  readonly isFinal: boolean;
}

/** The messages of the upstream: events of its turns, and what it says between them. */
export class UpstreamMessages {
  readonly #scene: ProxiedScene;
  readonly #turns: Turns;
  readonly #between: BetweenTurns;

  constructor(scene: ProxiedScene, turns: Turns, between: BetweenTurns) {
    this.#scene = scene;
    this.#turns = turns;
    this.#between = between;
  }

  /** A message that has gone on already. */
  seen(message: Message, at: number): void {
    this.#turns.heard(at);
    const told = this.#read(message, at);
    told.turn?.exchange.attempt?.content?.event(told.payload);
    this.#noteSent(told.turn, message.data);
    this.#conclude(told, at);
  }

  /** A held message; what goes on in its place. */
  take(message: Message, at: number): readonly Sending[] {
    // Later than `at`: many messages come in one piece, and the time of those before it is not this one's.
    const begunAt = performance.now();
    this.#turns.heard(at);
    const told = this.#read(message, at);
    const sendings = this.#through(told, message, at);
    for (const { data } of sendings) this.#noteSent(told.turn, data);
    if (told.turn) told.turn.exchange.overheadMs += performance.now() - begunAt;
    this.#conclude(told, at);
    return sendings;
  }

  #read({ data }: Message, at: number): Told {
    const { dialect } = this.#scene;
    const text = !dialect || dialect.isOpaque(data) ? undefined : data.toString();
    const payload = text === undefined ? undefined : parseJsonObject(text);
    if (!dialect || !payload) return { text, payload, mark: other, turn: undefined, isFinal: false };
    const model = dialect.readModel(payload);
    if (model !== undefined) this.#turns.model.confirm(model);
    const mark = dialect.upstreamMark(payload);
    const turn = this.#turnOf(mark, at);
    turn?.note(payload, data.length, at);
    const isLast = mark.kind === 'end' || mark.kind === 'refused';
    return { text, payload, mark, turn, isFinal: isLast && turn !== undefined };
  }

  #turnOf(mark: UpstreamMark, at: number): Turn | undefined {
    switch (mark.kind) {
      case 'begin': {
        const turn = this.#turns.begun(mark.turn, at);
        if (turn === 'untold') return undefined;
        return turn === 'unasked' ? this.#beginUnasked(mark.turn, at) : turn;
      }
      case 'part':
      case 'end':
        return this.#turns.of(mark.turn);
      case 'refused':
        return this.#turns.refused(mark);
      case 'other':
        return undefined;
    }
  }

  #beginUnasked(id: string, at: number): Turn | undefined {
    const turn = this.#turns.begin(this.#scene.session.services, undefined);
    if (!turn) return undefined;
    turn.asked(undefined);
    this.#turns.run(turn, id, at);
    try {
      turn.passage?.enterUnasked();
    } catch (thrown) {
      this.#turns.cutOff(turn, asSightlineError(thrown), at);
    }
    return turn;
  }

  #through({ text, payload, turn, isFinal }: Told, message: Message, at: number): readonly Sending[] {
    const { session, control } = this.#scene;
    if (turn?.isCutOff) {
      session.facts.swallowed += 1;
      return [];
    }
    const chunk = new Chunk({ event: '', data: text ?? message.data.toString() }, message.data, isFinal);
    try {
      const chunks = turn
        ? (turn.passage?.onChunk(chunk) ?? [chunk])
        : this.#between.chunk(session.services, chunk);
      const content = turn?.exchange.attempt?.content;
      return chunks.flatMap((one): Sending[] => {
        // As the client gets it.
        content?.event(one === chunk ? payload : one.payload);
        if (one === chunk) return [{ to: 'client', ...message }];
        return one.data === '' ? [] : [textMessage('client', one.data)];
      });
    } catch (thrown) {
      const error = asSightlineError(thrown);
      if (turn) this.#turns.cutOff(turn, error, at, isFinal);
      else control.fail(error);
      return [];
    }
  }

  #noteSent(turn: Turn | undefined, bytes: Buffer): void {
    const { session } = this.#scene;
    noteChunk(turn ?? session.services, turn ? turn.exchange : session.exchange, bytes);
  }

  #conclude({ mark, turn }: Told, at: number): void {
    if (!turn) return;
    if (mark.kind === 'end') {
      this.#turns.done(turn);
      turn.said(mark.outcome, at);
    } else if (mark.kind === 'refused') {
      turn.refused(mark.error, at);
    }
  }
}
