import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { anthropicMessages } from './anthropic-messages.ts';
import { serveEcho, serveUpload } from './echo.ts';
import {
  type Character,
  type Exchange,
  header,
  openExchange,
  readBody,
  sendJson,
  sendProblem,
  serveApi,
} from './exchange.ts';
import { Journal } from './journal.ts';
import { modelList } from './models.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';
import { Upgrades } from './realtime/upgrades.ts';
import type { Api } from './script.ts';

export type { Journal } from './journal.ts';
export type { Ending, JournalEntry } from './recorder.ts';

export interface SimulatorOptions {
  readonly host?: string;
  /** 0: any free one. */
  readonly port?: number;
  /** The same request under the same seed has the same reply. */
  readonly seed?: number;
  readonly timeToFirstTokenMs?: number;
  readonly tokensPerSecond?: number;
  /** Entries kept; 0 for benchmarks, which spares hashing too. */
  readonly journalMax?: number;
  /** Milliseconds since 1970, for the `created` of replies. */
  readonly clock?: () => number;
}

export interface KillOptions {
  /** Refuse new connections as well, as a dead process does. */
  readonly stopListening?: boolean;
}

export interface Simulator {
  /** Without a path and without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly journal: Journal;
  /** Destroys every open connection at once. */
  killConnections(options?: KillOptions): void;
  /** Stops listening, destroys open connections and clears timers. May be called again. */
  close(): Promise<void>;
}

const apis: readonly Api[] = [
  openaiChat,
  openaiCompletions,
  openaiResponses,
  openaiEmbeddings,
  anthropicMessages,
];
const routes = new Map(apis.map((api) => [`POST ${api.path}`, api]));

/** Longer than the usual pools keep theirs, or a client finds its idle connection closed. */
const keepAliveTimeoutMs = 75_000;

/** A model backend of our own: what the real APIs do on the wire, with a made-up model behind it. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, seed = 1, journalMax = 1_000, clock = Date.now } = options;
  const { timeToFirstTokenMs = 120, tokensPerSecond = 60 } = options;
  const character: Character = { seed, clock, tempo: { timeToFirstTokenMs, tokensPerSecond } };
  const journal = new Journal(journalMax);
  const sockets = new Set<Socket>();
  const open = new Set<Exchange>();

  const upgrades = new Upgrades(journal, character);

  // Requests that offer another upgrade, to HTTP/2, are requests.
  const shouldUpgradeCallback = ({ headers }: IncomingMessage) =>
    headers.upgrade?.toLowerCase() === 'websocket';
  const http = { keepAliveTimeout: keepAliveTimeoutMs, shouldUpgradeCallback };
  const server = createServer(http, (request, response) => {
    const exchange = beginExchange(journal, request, response);
    open.add(exchange);
    response.once('close', () => open.delete(exchange));
    serve(exchange, character).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  server.on('upgrade', (request, socket, head) => upgrades.receive(request, socket, head));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;

  const kill = (): void => {
    for (const exchange of open) {
      exchange.blame = 'fault';
      exchange.recorder.entry.fault ??= 'killed';
    }
    upgrades.kill();
    for (const socket of sockets) socket.destroy();
  };
  let closed: Promise<void> | undefined;
  const stopListening = (): Promise<void> => {
    closed ??= new Promise((resolve) => server.close(() => resolve()));
    return closed;
  };
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    journal,
    killConnections: ({ stopListening: alsoStop = false } = {}) => {
      if (alsoStop) void stopListening();
      kill();
    },
    close: () => {
      const stopped = stopListening();
      kill();
      return stopped;
    },
  };
}

function beginExchange(journal: Journal, request: IncomingMessage, response: ServerResponse): Exchange {
  const recorder = journal.begin({
    requestId: header(request, 'x-request-id'),
    traceparent: header(request, 'traceparent'),
    method: request.method ?? '',
    url: request.url ?? '',
    at: performance.now(),
  });
  return openExchange(request, response, recorder);
}

async function serve(exchange: Exchange, character: Character): Promise<void> {
  const { method = '', url = '' } = exchange.request;
  const path = (url.split('?', 1)[0] ?? '').replace(/^\/v1(?=\/)/, '');
  const api = routes.get(`${method} ${path}`);
  if (api) return serveApi(api, exchange, character);
  if (path.startsWith('/echo/') || path === '/echo') return serveEcho(exchange);
  if (method === 'POST' && path === '/files') return serveUpload(exchange);

  await readBody(exchange);
  exchange.recorder.requestEnded();
  if (!exchange.request.complete) return;
  const reads = method === 'GET' || method === 'HEAD';
  if (reads && path === '/models') return sendJson(exchange, 200, JSON.stringify(modelList()));
  if (reads && path === '/') return sendJson(exchange, 200, JSON.stringify({ status: 'ok' }));
  await sendProblem('openai', exchange, { status: 404, message: `Invalid URL (${method} ${url})` });
}
