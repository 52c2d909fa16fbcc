import type { RawHeaders } from '../../src/wire/headers.ts';
import type { Arrival, Backend, Serve } from '../contract/transport-backend.ts';
import { latin1, type RawConnection, type RawMessage, startRawServer } from '../support/raw-http.ts';

/** HTTP/1.1 over plain sockets. */
export async function startHttpBackend(serve: Serve): Promise<Backend> {
  const server = await startRawServer(async (connection) => {
    for (let request = await connection.request(); request; request = await connection.request()) {
      await serve(new HttpArrival(connection, request));
    }
    connection.close();
  });
  return {
    url: new URL(server.url),
    get connectionsTaken() {
      return server.connections.length;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

class HttpArrival implements Arrival {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly body: Buffer;
  readonly trailers: RawHeaders;
  readonly #connection: RawConnection;
  #isChunked = false;

  constructor(connection: RawConnection, { startLine, headers, body, trailers }: RawMessage) {
    const [method = '', target = ''] = startLine.split(' ');
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.body = body;
    this.trailers = trailers;
    this.#connection = connection;
  }

  async head(status: number, statusMessage: string, headers: RawHeaders): Promise<void> {
    this.#isChunked = !headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length');
    const all = this.#isChunked ? [...headers, 'Transfer-Encoding', 'chunked'] : headers;
    await this.#connection.send(`HTTP/1.1 ${status} ${statusMessage}\r\n${lines(all)}\r\n`);
  }

  async piece(bytes: string | Uint8Array): Promise<void> {
    const data = typeof bytes === 'string' ? latin1(bytes) : bytes;
    if (this.#isChunked) await this.#connection.send(`${data.length.toString(16)}\r\n`);
    await this.#connection.send(data);
    if (this.#isChunked) await this.#connection.send('\r\n');
  }

  async end(trailers: RawHeaders = []): Promise<void> {
    if (this.#isChunked) await this.#connection.send(`0\r\n${lines(trailers)}\r\n`);
  }

  async garbage(): Promise<void> {
    await this.#connection.send('\u0000 not HTTP\r\n\r\n');
  }

  breakOff(how: 'close' | 'reset'): void {
    if (how === 'reset') this.#connection.socket.resetAndDestroy();
    else this.#connection.socket.destroySoon();
  }

  unwanted(): Promise<void> {
    return this.#connection.closed();
  }

  disconnected(): Promise<void> {
    return this.#connection.closed();
  }
}

function lines(fields: RawHeaders): string {
  let text = '';
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
