import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { SightlineError } from '../../../src/errors.ts';
import type { Outcome } from '../../../src/exchange/outcome.ts';
import type { Peer } from '../../../src/exchange/session-facts.ts';
import { defaultLimits, type Limits } from '../../../src/limits.ts';
import { Relay } from '../../../src/session/relay/relay.ts';
import type { Session } from '../../../src/session/session.ts';
import type {
  Message,
  MessagePlan,
  Sending,
  SessionControl,
  SessionReader,
} from '../../../src/session/session-reader.ts';
import type { Extensions } from '../../../src/wire/websocket/frame-parser.ts';
import { RawConnection } from '../../support/raw-http.ts';
import { ReaderStage } from '../turns/reader-stage.ts';
import { RawPeer } from './raw-session.ts';

/** A reader that does what a test tells it, and notes what it was told. */
class ScriptedReader implements SessionReader {
  readonly seenMessages: string[] = [];
  readonly errors: (SightlineError | undefined)[] = [];
  openTurns = 0;
  choose: (from: Peer, isBinary: boolean) => MessagePlan = () => 'pass';
  answer: (from: Peer, message: Message) => readonly Sending[] | Promise<readonly Sending[]> = () => [];

  plan(from: Peer, isBinary: boolean): MessagePlan {
    return this.choose(from, isBinary);
  }

  seen(from: Peer, { data, isBinary }: Message): void {
    this.seenMessages.push(`${from} ${isBinary ? data.toString('hex') : data.toString()}`);
  }

  take(from: Peer, message: Message): readonly Sending[] | Promise<readonly Sending[]> {
    this.seen(from, message);
    return this.answer(from, message);
  }

  end(error: SightlineError | undefined): void {
    this.errors.push(error);
  }
}

/** A relay between two peers whose every byte is the test's, with a reader that is the test's as well. */
export class RelayStage implements AsyncDisposable {
  readonly reader = new ScriptedReader();
  readonly client: RawPeer;
  readonly upstream: RawPeer;
  readonly relay: Relay;
  readonly session: Session;
  readonly over: Promise<string>;
  control: SessionControl | undefined;
  readonly #sessions: ReaderStage;
  readonly #near: Readonly<Record<Peer, Socket>>;

  private constructor(
    near: Readonly<Record<Peer, Socket>>,
    far: Readonly<Record<Peer, Socket>>,
    limits: Limits,
    extensions: Extensions,
  ) {
    this.#near = near;
    const head = { startLine: '', headers: [] };
    this.client = new RawPeer(new RawConnection(far.client), head, true);
    this.upstream = new RawPeer(new RawConnection(far.upstream), head, false);
    this.#sessions = new ReaderStage();
    this.session = this.#sessions.session;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.over = promise;
    this.relay = new Relay({
      session: this.session,
      sockets: near,
      extensions,
      limits: { client: limits, upstream: limits },
      createReader: (control) => {
        this.control = control;
        return this.reader;
      },
      onOver: (outcome: Outcome, error) => resolve(error ? `${outcome}: ${error.code}` : outcome),
    });
    this.relay.start();
  }

  static async start(limits: Partial<Limits> = {}, extensions: Extensions = 'none'): Promise<RelayStage> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const pair = async (): Promise<[Socket, Socket]> => {
      const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const [[near]] = await Promise.all([once(server, 'connection'), once(far, 'connect')]);
      return [near as Socket, far];
    };
    const [client, farClient] = await pair();
    const [upstream, farUpstream] = await pair();
    server.close();
    return new RelayStage(
      { client, upstream },
      { client: farClient, upstream: farUpstream },
      { ...defaultLimits, ...limits },
      extensions,
    );
  }

  /** Bytes that were written to the client's connection, and that the kernel has not taken. */
  get waitingForClient(): number {
    return this.#near.client.writableLength;
  }

  send(to: Peer, text: string): void {
    this.control?.send({ to, data: Buffer.from(text), isBinary: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.vanish();
    this.upstream.vanish();
    await this.over;
    this.#sessions[Symbol.dispose]();
  }
}
