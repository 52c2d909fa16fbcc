import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedPost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A status, with headers or without; or never an answer. */
export type SinkAnswer = number | 'hang' | { status: number; headers: Record<string, string> };

/** Where messages about alerts arrive in tests: keeps what it is sent, and answers as it is told to. */
export class WebhookSink implements AsyncDisposable {
  /** Every request, also those that it refuses. */
  readonly received: ReceivedPost[] = [];
  /** For the next requests, in turn; then 200. */
  readonly answers: SinkAnswer[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #server = createServer((request, response) => {
    void text(request).then(
      (body) => {
        this.received.push({ path: request.url ?? '', headers: request.headers, body });
        reply(response, this.answers.shift() ?? 200);
        for (const look of this.#waiting) look();
      },
      // Its sender was stopped half-way.
      () => undefined,
    );
  });

  static async start(): Promise<WebhookSink> {
    const sink = new WebhookSink();
    sink.#server.listen(0, '127.0.0.1');
    await once(sink.#server, 'listening');
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get bodies(): unknown[] {
    return this.received.map(({ body }) => JSON.parse(body));
  }

  /** The requests, as soon as there are so many, or as they satisfy the predicate. */
  async waitFor(wanted: number | ((received: readonly ReceivedPost[]) => boolean)): Promise<ReceivedPost[]> {
    const isThere =
      typeof wanted === 'number' ? () => this.received.length >= wanted : () => wanted(this.received);
    if (!isThere()) {
      await new Promise<void>((resolve) => {
        const look = () => {
          if (!isThere()) return;
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
      });
    }
    return this.received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function reply(response: ServerResponse, answer: SinkAnswer): void {
  if (answer === 'hang') return;
  const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
  response.writeHead(status, headers).end('noted');
}
