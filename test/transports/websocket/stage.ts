import { defaultLimits, type Limits } from '../../../src/limits.ts';
import type { FlowControl, TransportRequest } from '../../../src/transports/transport.ts';
import { WebSocketTransport } from '../../../src/transports/websocket-transport.ts';
import { Receipt } from '../../contract/transport-backend.ts';
import { type StreamArrival, type StreamBackend, startStreamBackend } from '../stream-backend.ts';

export interface Sent {
  readonly receipt: Receipt;
  readonly control: FlowControl;
}

export interface Stage extends AsyncDisposable {
  readonly backend: StreamBackend;
  readonly transport: WebSocketTransport;
  send(change?: Partial<TransportRequest>): Sent;
  /** The next query to arrive, in the order of arrival. */
  arrival(): Promise<StreamArrival>;
}

export interface StageOptions {
  readonly limits?: Partial<Limits>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: boolean;
  /** Another one than that of the backend. */
  readonly address?: URL;
  /** What becomes of each query; otherwise the test asks for them. */
  readonly serve?: (arrival: StreamArrival) => void | Promise<void>;
}

/** A transport, and what it talks to. */
export async function startStage({
  limits,
  headers = {},
  compression = false,
  address,
  serve,
}: StageOptions = {}): Promise<Stage> {
  const arrived: StreamArrival[] = [];
  const asked: ((arrival: StreamArrival) => void)[] = [];
  const take = (arrival: StreamArrival) => {
    const next = asked.shift();
    if (next) next(arrival);
    else arrived.push(arrival);
  };
  const backend = await startStreamBackend(serve ?? take);
  const transport = new WebSocketTransport(
    { url: address ?? backend.url, headers, compression },
    { ...defaultLimits, ...limits },
  );
  return {
    backend,
    transport,
    send(change) {
      const receipt = new Receipt();
      const request = {
        method: 'POST',
        target: '/x',
        headers: [],
        body: undefined,
        trailers: () => [],
        ...change,
      };
      return { receipt, control: transport.send(request, receipt) };
    },
    async arrival() {
      return arrived.shift() ?? new Promise((resolve) => asked.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      await transport.close(0);
      await backend[Symbol.asyncDispose]();
    },
  };
}
