import { pino } from 'pino';
import type { SightlineError } from '../../src/errors.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { Flow, type FlowServices } from '../../src/flow/flow.ts';
import { InFlight } from '../../src/flow/in-flight.ts';
import type { ReplySink, SinkWatcher } from '../../src/flow/reply-sink.ts';
import { HookSystem } from '../../src/hooks/hook-system.ts';
import { defaultLimits } from '../../src/limits.ts';
import { ProtocolExtension } from '../../src/messages/protocol-extension.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { MiddlewareStack, stackEntry } from '../../src/middleware/stack.ts';
import type { ReplyReceiver, Transport } from '../../src/transports/transport.ts';
import { Upstream } from '../../src/upstreams/upstream.ts';
import type { RawHeaders } from '../../src/wire/headers.ts';
import { sampleExchange, sampleQuery } from '../exchange/samples.ts';

const nothing = () => undefined;

/** A client that takes whatever it is given, and notes it. */
export class SampleSink implements ReplySink {
  watcher: SinkWatcher | undefined;
  status: number | undefined;
  /** What was written, until it ended or was broken off. */
  text = '';
  /** What was written after that. */
  textTooLate = '';
  hasEnded = false;
  brokenBy: SightlineError | undefined;

  get hasBegun(): boolean {
    return this.status !== undefined;
  }

  head(status: number): void {
    this.status = status;
  }

  write(chunk: Buffer): boolean {
    if (this.brokenBy || this.hasEnded) this.textTooLate += chunk;
    else this.text += chunk;
    return true;
  }

  end(): void {
    this.hasEnded = true;
  }

  break(error: SightlineError): void {
    this.brokenBy = error;
  }
}

/** A flow between a client and an upstream that are the test's: it says what either of them does, and when. */
export class FlowStage {
  readonly exchange: Exchange = sampleExchange();
  readonly hooks = new HookSystem({ timeoutMs: 1_000, pendingMax: 100, onFailure: nothing });
  readonly inFlight = new InFlight();
  readonly sink = new SampleSink();
  readonly flow: Flow;
  /** Of the reply to what the upstream was asked, newest last. */
  readonly asked: ReplyReceiver[] = [];
  /** How often telemetry was made of it. */
  recorded = 0;
  readonly #upstream: Upstream;

  constructor(middleware: readonly Middleware[] = []) {
    const limits = defaultLimits;
    const services: FlowServices = {
      hooks: this.hooks,
      stack: new MiddlewareStack(middleware.map(stackEntry), { timeoutMs: 10_000, onFailure: nothing }),
      messages: new ProtocolExtension([]),
      recorder: {
        begin: nothing,
        beginAttempt: () => [],
        middlewareRan: nothing,
        end: () => {
          this.recorded += 1;
        },
      },
      inFlight: this.inFlight,
      limits,
      log: pino({ level: 'silent' }),
    };
    const transport: Transport = {
      health: { state: 'open', connections: 1, running: 0, queued: 0 },
      connect: async () => undefined,
      close: async () => undefined,
      send: (_request, receiver) => {
        this.asked.push(receiver);
        return { pause: nothing, resume: nothing, abort: nothing };
      },
    };
    const url = new URL('http://127.0.0.1:1');
    const config = { name: 'default', prefix: '/', url, provider: undefined, headers: {}, limits } as const;
    this.#upstream = new Upstream({ ...config, compression: false, probe: false }, transport);
    this.flow = new Flow(services, this.exchange, this.sink);
  }

  run(): void {
    this.flow.run(sampleQuery(), this.#upstream);
  }

  /** The upstream's side of the newest attempt. */
  get upstream(): ReplyReceiver {
    const receiver = this.asked.at(-1);
    if (!receiver) throw new Error('The upstream was not asked.');
    return receiver;
  }

  beginReply(contentType: string, headers: RawHeaders = []): void {
    this.upstream.onHead(200, 'OK', ['content-type', contentType, ...headers]);
  }

  /** The client has everything, or has gone. */
  close(isSent: boolean): void {
    this.sink.watcher?.onClose(isSent);
  }
}
