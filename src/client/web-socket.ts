import type { streamSubprotocol } from '../stream/protocol.ts';

/** Said again, because importing the value would import the schemas with it. */
const subprotocol: typeof streamSubprotocol = 'sightline.stream.v1';

/** What the client needs of a WebSocket: the standard's own, and that of `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly addEventListener: (...args: never[]) => unknown;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** What the events of a WebSocket have, all of them together. */
export interface SocketEvent {
  readonly data: unknown;
  readonly code: number;
  readonly reason: string;
  readonly message?: string;
}

/** Every implementation types its events by classes of its own; the ways to listen are the same. */
export function listenTo(
  socket: WebSocketLike,
  type: 'open' | 'message' | 'close' | 'error',
  listener: (event: SocketEvent) => void,
): void {
  const listen = socket.addEventListener as (type: string, listener: (event: SocketEvent) => void) => unknown;
  listen.call(socket, type, listener);
}

/** A class of WebSockets. Headers are given to it as those of `ws` take them: `new (url, protocols, { headers })`. */
export type WebSocketClass = new (url: string, ...rest: never[]) => WebSocketLike;

export interface SocketOptions {
  readonly webSocket: WebSocketClass | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/**
 * Begins a handshake. Throws a `TypeError` where there is no WebSocket here, or it takes no headers and some
 * are wanted.
 */
export function openSocket(url: string, { webSocket, headers }: SocketOptions): WebSocketLike {
  const socketClass = webSocket ?? globalThis.WebSocket;
  if (socketClass === undefined) {
    throw new TypeError(
      "This platform has no WebSocket; give one: connect(url, { webSocket }), for example that of 'ws'.",
    );
  }
  if (headers === undefined) return Reflect.construct(socketClass, [url, [subprotocol]]);
  return openWithHeaders(url, socketClass, webSocket === undefined, headers);
}

/** The standard knows no headers. Whether a WebSocket takes them shows only when it is made: it reads them. */
function openWithHeaders(
  url: string,
  socketClass: object,
  isGlobal: boolean,
  headers: Readonly<Record<string, string>>,
): WebSocketLike {
  let wereRead = false;
  const init = {
    get headers() {
      wereRead = true;
      return headers;
    },
  };
  const rest = isGlobal
    ? [Object.defineProperty(init, 'protocols', { value: [subprotocol], enumerable: true })]
    : [[subprotocol], init];
  let socket: WebSocketLike | undefined;
  try {
    socket = Reflect.construct(socketClass as WebSocketClass, [url, ...rest]);
  } catch (thrown) {
    // A browser takes the object for the name of a subprotocol.
    if (wereRead || !(thrown instanceof Error) || thrown.name !== 'SyntaxError') throw thrown;
  }
  if (socket !== undefined && wereRead) return socket;
  if (socket !== undefined) {
    listenTo(socket, 'error', () => {});
    socket.close();
  }
  throw new TypeError(
    'The WebSocket of this platform takes no headers, as in browsers. Give them with each query instead, ' +
      'query({ path, headers }), or another implementation: connect(url, { headers, webSocket }).',
  );
}
