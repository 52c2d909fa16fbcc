import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Where messages about alerts arrive in tests: takes whatever comes. */
export class WebhookSink implements AsyncDisposable {
  /** JSON, in the order in which it came. */
  readonly bodies: unknown[] = [];
  readonly #server = createServer(async (request, response) => {
    const body = await text(request).catch(() => undefined);
    // Its sender was stopped half-way.
    if (body === undefined) return;
    this.bodies.push(JSON.parse(body));
    response.writeHead(200).end();
  });

  static async start(): Promise<WebhookSink> {
    const sink = new WebhookSink();
    sink.#server.listen(0, '127.0.0.1');
    await once(sink.#server, 'listening');
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
