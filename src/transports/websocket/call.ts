import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import { SightlineError } from '../../errors.ts';
import type { ConnectTry } from '../../exchange/attempt.ts';
import type { Limits } from '../../limits.ts';
import type {
  ReceivedChunk,
  ReceivedError,
  ReceivedMessage,
  ReceivedResponse,
} from '../../stream/protocol.ts';
import type { RawHeaders } from '../../wire/headers.ts';
import type { FlowControl, ReplyReceiver } from '../transport.ts';
import { bodyLength } from './body-length.ts';
import type { Connection, Loss } from './connection.ts';
import { bytesOf, ownReply, rawHeaders } from './server-message.ts';

/** The transport that carries calls. */
export interface CallCarrier {
  /** It was ended from this side before it was sent. */
  withdrawn(call: Call): void;
  /** The server has nothing more to say of it. */
  answered(call: Call): void;
  /** The server takes no more queries: this one has not begun, and can be sent elsewhere. */
  turnedAway(call: Call, by: CallConnection): void;
}

/** What a call and its carrier need of the connection. */
export type CallConnection = Pick<Connection, 'seats' | 'isOnPace' | 'send' | 'refuse' | 'close'>;

/** Received and not yet passed on: a piece of the body, or how it ended. */
type Held = Buffer | { readonly trailers: RawHeaders } | { readonly error: SightlineError };

/**
 * One query on the way: messages of the server on one side, our receiver on the other. While the receiver
 * pauses, what comes is held, and no more is granted than the window that the server has already.
 */
export class Call implements FlowControl {
  id = 0;
  /** Where it was sent, under this id; undefined while it waits. */
  connection: CallConnection | undefined;
  /** Its message without the id, until the server has begun with it. */
  query = '';
  /** The body, while it is still coming in. */
  body: Readable | undefined;
  readonly #method: string;
  readonly #carrier: CallCarrier;
  readonly #receiver: ReplyReceiver;
  readonly #limits: Limits;
  readonly #held: Held[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** What the server may still send before it is granted more. */
  #window: number;
  /** What the receiver took and the server has not been granted for. */
  #taken = 0;
  /** Of the body, where its head has told how long it is. */
  #bytesLeft: number | undefined;
  #hasHead = false;
  #wasTurnedAway = false;
  #isAnswered = false;
  #isPaused = false;
  #isPassingOn = false;
  /** The receiver hears no more. */
  #isOver = false;

  constructor(method: string, carrier: CallCarrier, receiver: ReplyReceiver, limits: Limits) {
    this.#method = method;
    this.#carrier = carrier;
    this.#receiver = receiver;
    this.#limits = limits;
    this.#window = limits.streamWindowBytes;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  sent(id: number, connection: CallConnection): void {
    this.id = id;
    this.connection = connection;
    this.#wait(this.#limits.replyHeadTimeoutMs);
  }

  connectTried(connectTry: ConnectTry): void {
    if (!this.#isOver) this.#receiver.onConnectTry?.(connectTry);
  }

  receive(message: Exclude<ReceivedMessage, { type: 'ping' | 'pong' }>): void {
    if (this.#isAnswered) return;
    if (message.type === 'chunk') this.#receiveChunk(message);
    else if (message.type === 'response') this.#receiveResponse(message);
    else this.#receiveError(message);
  }

  #receiveChunk(message: ReceivedChunk): void {
    if (this.#isOver) return;
    if (!this.#hasHead && message.status === undefined) {
      this.connection?.refuse('expected the head of the reply with its first chunk');
      return;
    }
    const bytes = this.#bytes(message);
    if (bytes === 'refused') return;
    if (bytes && this.#window <= 0) {
      this.connection?.refuse('expected no more than the window of a query');
      return;
    }
    this.#window -= bytes?.length ?? 0;
    this.#wait(this.#limits.replyIdleTimeoutMs);
    if (!this.#hasHead)
      this.#head(message.status as number, message.statusMessage, rawHeaders(message.headers));
    if (bytes) this.#passBytes(bytes);
  }

  #receiveResponse(message: ReceivedResponse): void {
    const bytes = this.#isOver ? undefined : this.#bytes(message);
    if (bytes === 'refused') return;
    this.#answered();
    if (this.#isOver) return;
    if (!this.#hasHead) this.#head(message.status, message.statusMessage, rawHeaders(message.headers));
    if (bytes) this.#passBytes(bytes);
    this.#pass(this.#bytesLeft ? { error: wrongLength() } : { trailers: rawHeaders(message.trailers) });
  }

  #receiveError(message: ReceivedError): void {
    const { code, outcome } = message.error;
    // Without an outcome it was never a query to the server.
    const hasBegun = this.#hasHead || this.#isOver || this.#wasTurnedAway;
    if (code === 'stopping' && outcome === undefined && !hasBegun) {
      this.#turnAway();
      return;
    }
    this.#answered();
    if (this.#isOver) return;
    if (this.#hasHead) {
      const text = `The upstream broke off in the middle of its reply: ${message.error.message}`;
      this.#pass({ error: new SightlineError('upstream_truncated', { message: text }) });
      return;
    }
    const { status, headers, body } = ownReply(message);
    this.#head(status, undefined, headers);
    this.#pass(body);
    this.#pass({ trailers: [] });
  }

  #turnAway(): void {
    const { connection } = this;
    this.#wasTurnedAway = true;
    this.connection = undefined;
    clearTimeout(this.#timer);
    if (connection) this.#carrier.turnedAway(this, connection);
  }

  /** Its connection is gone. Whether the query was answered nobody knows: it is not sent again. */
  lost({ code, message }: Loss): void {
    this.#answered();
    const isTruncated = this.#hasHead && code !== 'upstream_lost';
    if (!this.#isOver) {
      this.#pass({ error: new SightlineError(isTruncated ? 'upstream_truncated' : code, { message }) });
    }
  }

  /** It has failed on this side, and what was received is of no use. */
  fail(error: SightlineError): void {
    if (this.#isOver) return;
    this.abort();
    this.#receiver.onError(error);
  }

  pause(): void {
    if (!this.#isOver) this.#isPaused = true;
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#hasHead && !this.#isAnswered) this.#wait(this.#limits.replyIdleTimeoutMs);
    this.#passOn();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#over();
    if (!this.connection) {
      this.#carrier.withdrawn(this);
    } else if (!this.#isAnswered) {
      this.#tell({ type: 'cancel' });
      // Its place is kept until the server has let go of it as well; one that never does keeps it no longer than this.
      this.#timer = setTimeout(() => this.#answered(), this.#limits.closeTimeoutMs);
    }
  }

  #tell(message: { readonly type: 'cancel' } | { readonly type: 'window'; readonly bytes: number }): void {
    this.connection?.send(JSON.stringify({ ...message, id: this.id }));
  }

  #head(status: number, statusMessage: string | undefined, headers: RawHeaders): void {
    const length = bodyLength(this.#method, status, headers);
    if (length === 'invalid') {
      const message = 'The upstream sent a reply whose content-length is no length.';
      this.fail(new SightlineError('upstream_invalid_reply', { message }));
      return;
    }
    this.#bytesLeft = length;
    this.#hasHead = true;
    this.query = '';
    this.#receiver.onHead(status, statusMessage ?? STATUS_CODES[status] ?? '', headers);
  }

  #bytes(message: ReceivedChunk | ReceivedResponse): Buffer | 'refused' | undefined {
    const bytes = bytesOf(message);
    if (bytes === 'invalid') {
      this.connection?.refuse('expected base64');
      return 'refused';
    }
    return bytes && bytes.length > 0 ? bytes : undefined;
  }

  #passBytes(bytes: Buffer): void {
    if (this.#bytesLeft !== undefined) this.#bytesLeft -= bytes.length;
    if (this.#bytesLeft !== undefined && this.#bytesLeft < 0) this.fail(wrongLength());
    else this.#pass(bytes);
  }

  #pass(held: Held): void {
    if (this.#isOver) return;
    this.#held.push(held);
    this.#passOn();
  }

  #passOn(): void {
    // The receiver may pause and resume while it is given something.
    if (this.#isPassingOn) return;
    this.#isPassingOn = true;
    while (!this.#isPaused && !this.#isOver) {
      const next = this.#held.shift();
      if (next === undefined) break;
      this.#give(next);
    }
    this.#isPassingOn = false;
    this.grant();
  }

  #give(held: Held): void {
    if (Buffer.isBuffer(held)) {
      this.#taken += held.length;
      this.#receiver.onData(held);
      return;
    }
    this.#over();
    if ('error' in held) this.#receiver.onError(held.error);
    else this.#receiver.onEnd(held.trailers);
  }

  /**
   * What was taken may come anew, half a window at a time: a message for each piece would be as many as there are
   * pieces. Where even those are too many, it is asked again.
   */
  grant(): void {
    const bytes = this.#taken;
    if (this.#isAnswered || this.#isOver || bytes * 2 < this.#limits.streamWindowBytes) return;
    if (!this.connection?.isOnPace()) return;
    this.#taken = 0;
    this.#window += bytes;
    this.#tell({ type: 'window', bytes });
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A client that does not take what has come is watched by its own side.
      if (!this.#isPaused || !this.#hasHead) this.fail(new SightlineError('upstream_timeout'));
    }, ms);
  }

  #over(): void {
    this.#isOver = true;
    this.#held.length = 0;
    this.query = '';
    this.body?.destroy();
    clearTimeout(this.#timer);
  }

  #answered(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    clearTimeout(this.#timer);
    this.#carrier.answered(this);
  }
}

function wrongLength(): SightlineError {
  return new SightlineError('upstream_truncated', {
    message: 'The body of the reply is not as long as its content-length says.',
  });
}
