import { WebSocket } from 'ws';
import { openaiRealtime } from '../dialects/openai-realtime.ts';
import { emptyReplyFacts } from '../exchange/facts.ts';
import { type JsonObject, parseJsonObject } from '../wire/json.ts';
import { credentialsOf } from './tenants.ts';
import { type Ending, endingOf, type Result, type Visit } from './visit.ts';

type RealtimeVisit = Extract<Visit, { over: 'realtime' }>;

export interface RealtimeAsk {
  readonly baseUrl: URL;
  readonly signal: AbortSignal;
}

/** Events of a turn after which somebody interrupts by closing. */
const leavesAfterEvents = 8;

/** A session of the realtime API, in writing: each turn is asked when the one before has ended. */
export function talkOverRealtime(visit: RealtimeVisit, ask: RealtimeAsk): Promise<Result[]> {
  return new Conversation(visit, ask).done;
}

class Conversation {
  readonly done: Promise<Result[]>;
  readonly #visit: RealtimeVisit;
  readonly #signal: AbortSignal;
  readonly #socket: WebSocket;
  readonly #results: Result[] = [];
  #events = 0;
  #wasGreeted = false;
  #wasRefused = false;
  /** Of the turn under way, where it will not come to its own end. */
  #ending: Ending | undefined;

  constructor(visit: RealtimeVisit, { baseUrl, signal }: RealtimeAsk) {
    this.#visit = visit;
    this.#signal = signal;
    const url = new URL(`/v1/realtime?model=${encodeURIComponent(visit.model)}`, baseUrl);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#socket = new WebSocket(url, {
      headers: credentialsOf(visit.tenant),
      perMessageDeflate: false,
    });
    const cut = () => this.#socket.terminate();
    signal.addEventListener('abort', cut, { once: true });
    this.#socket.on('message', (data) => this.#take(parseJsonObject(String(data)) ?? {}));
    this.#socket.on('unexpected-response', (request) => {
      this.#wasRefused = true;
      request.destroy();
    });
    // What it means for the visit shows when it is closed, which comes after it in any case.
    this.#socket.on('error', () => {});
    this.done = new Promise((resolve) => {
      this.#socket.once('close', () => {
        signal.removeEventListener('abort', cut);
        resolve(this.#finish());
      });
    });
  }

  #take(event: JsonObject): void {
    this.#events += 1;
    if (event.type === 'session.created') {
      this.#wasGreeted = true;
      this.#send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } });
      this.#ask();
    } else if (event.type === 'response.done') {
      this.#results.push(resultOf(event));
      if (this.#results.length < this.#visit.turns.length) this.#ask();
      else this.#socket.close(1000);
    } else if (event.type === 'error') {
      this.#leave('failed_midway');
    } else if (this.#isLastTurn && this.#visit.leaves && this.#events >= leavesAfterEvents) {
      this.#leave('hung_up');
    }
  }

  #leave(ending: Ending): void {
    this.#ending ??= ending;
    this.#socket.close(1000);
  }

  get #isLastTurn(): boolean {
    return this.#results.length === this.#visit.turns.length - 1;
  }

  #ask(): void {
    this.#events = 0;
    const content = [{ type: 'input_text', text: this.#visit.turns[this.#results.length] }];
    this.#send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
    this.#send({ type: 'response.create' });
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** The turns that ended, and the one that did not. */
  #finish(): Result[] {
    if (this.#results.length === this.#visit.turns.length) return this.#results;
    return [...this.#results, { ending: this.#ending ?? this.#brokenEnding() }];
  }

  #brokenEnding(): Ending {
    if (this.#signal.aborted) return endingOf(this.#signal);
    if (this.#wasRefused) return 'refused';
    return this.#wasGreeted ? 'cut_off' : 'unreachable';
  }
}

function resultOf(event: JsonObject): Result {
  const facts = emptyReplyFacts();
  openaiRealtime.readMessage(event, facts);
  const { error, usage } = facts;
  return {
    ending: error === undefined ? 'completed' : 'failed_midway',
    input: usage.input,
    output: usage.output,
  };
}
