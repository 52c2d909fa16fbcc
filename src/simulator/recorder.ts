import { createHash, type Hash } from 'node:crypto';
import type { FaultName } from './faults.ts';
import type { Marks, Operation, Tokens } from './script.ts';

export type Ending = 'completed' | 'client_aborted' | 'fault';

/** Readings of `performance.now()`. */
interface Times {
  readonly received: number;
  headSent?: number;
  firstOutputSent?: number;
  lastOutputSent?: number;
  ended?: number;
}

/**
 * What the simulator saw and really did in one exchange: a request, or a turn of a WebSocket session. What was meant to be sent and was not, because
 * the client left or a fault broke the reply off, is not in it. Finished when the exchange has ended.
 */
export interface JournalEntry {
  /** 1, 2, 3, … in order of arrival. */
  readonly id: number;
  /** `x-request-id` as received: a proxy in between sends its own. */
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  /** `x-request-id` (`request-id` at Anthropic) of the reply. */
  readonly replyRequestId: string;
  readonly method: string;
  readonly url: string;
  /** Of a WebSocket: 1, 2, 3, … in order of arrival. */
  readonly session?: number;
  /** Of a realtime session, whose entries are its turns: 1, 2, 3, … Its request is the `response.create`, if any. */
  readonly turn?: number;
  requestBytes: number;
  requestSha256: string;
  operation?: Operation;
  modelRequested?: string;
  modelAnswered?: string;
  stream: boolean;
  /** Of the head that was sent; absent where none was. */
  status?: number;
  responseId?: string;
  /** As sent, in the words of the API, in order. */
  readonly finishReasons: string[];
  /** As sent, under the names on the wire: `prompt_tokens_details.cached_tokens`. The last value counts. */
  readonly usage: Record<string, number>;
  /** The same under the meaning of the GenAI conventions: `input` includes what a cache gave. */
  readonly tokens: Tokens;
  /** Stream events that carried text, reasoning or a piece of a tool call's arguments. */
  outputEvents: number;
  /** The API's last event, or the last byte of a whole reply. */
  terminalSent: boolean;
  ended?: Ending;
  /** The fault that the model's name asked for, also where it let the reply complete; `killed`: by `killConnections`. */
  fault?: FaultName | 'killed';
  readonly times: Times;
  /** The reply's body as sent: encoded, without the framing of HTTP. */
  replyBytes: number;
  replySha256: string;
}

/** What is known of an exchange when its request's head has arrived. */
export interface Received
  extends Pick<JournalEntry, 'requestId' | 'traceparent' | 'method' | 'url' | 'session' | 'turn'> {
  /** A reading of `performance.now()`. */
  readonly at: number;
}

/** The digest of nothing, for exchanges without a body. */
const emptySha256 = createHash('sha256').digest('hex');

export function openEntry(id: number, { at, ...seen }: Received): JournalEntry {
  return {
    id,
    ...seen,
    replyRequestId: `req_${id.toString(16).padStart(24, '0')}`,
    requestBytes: 0,
    requestSha256: emptySha256,
    stream: false,
    finishReasons: [],
    usage: {},
    tokens: {},
    outputEvents: 0,
    terminalSent: false,
    times: { received: at },
    replyBytes: 0,
    replySha256: emptySha256,
  };
}

/** Writes one entry while its exchange runs. */
export class Recorder {
  readonly entry: JournalEntry;
  readonly #request: Hash | undefined;
  #digested = false;
  readonly #reply: Hash | undefined;
  readonly #tell: (event: 'received' | 'ended') => void;

  constructor(entry: JournalEntry, hashing: boolean, tell: (event: 'received' | 'ended') => void) {
    this.entry = entry;
    this.#request = hashing ? createHash('sha256') : undefined;
    this.#reply = hashing ? createHash('sha256') : undefined;
    this.#tell = tell;
  }

  requestPiece(bytes: Uint8Array): void {
    this.entry.requestBytes += bytes.byteLength;
    this.#request?.update(bytes);
  }

  /** The request has arrived as a whole and is understood. */
  requestEnded(): void {
    if (this.entry.ended !== undefined) return;
    this.#digestRequest();
    this.#tell('received');
  }

  headSent(status: number): void {
    this.entry.status = status;
    this.entry.times.headSent = performance.now();
  }

  /** Bytes of the reply's body that the socket has taken. */
  bytesSent(bytes: Uint8Array): void {
    this.entry.replyBytes += bytes.byteLength;
    this.#reply?.update(bytes);
  }

  outputSent(at: number): void {
    this.entry.outputEvents += 1;
    this.entry.times.firstOutputSent ??= at;
    this.entry.times.lastOutputSent = at;
  }

  marksSent(marks: Marks): void {
    const { entry } = this;
    if (marks.responseId !== undefined) entry.responseId = marks.responseId;
    if (marks.model !== undefined) entry.modelAnswered = marks.model;
    if (marks.finishReason !== undefined) entry.finishReasons.push(marks.finishReason);
    Object.assign(entry.usage, marks.usage);
    Object.assign(entry.tokens, marks.tokens);
  }

  end(ended: Ending): void {
    if (this.entry.ended !== undefined) return;
    this.entry.ended = ended;
    this.entry.times.ended = performance.now();
    this.#digestRequest();
    if (this.#reply) this.entry.replySha256 = this.#reply.digest('hex');
    this.#tell('ended');
  }

  #digestRequest(): void {
    if (!this.#request || this.#digested) return;
    this.entry.requestSha256 = this.#request.digest('hex');
    this.#digested = true;
  }
}
