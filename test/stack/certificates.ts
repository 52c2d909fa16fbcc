import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs certificates for 127.0.0.1, made by `openssl`. Remove it with `await using`. */
export class Authority implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<Authority> {
    const authority = new Authority(await mkdtemp(join(tmpdir(), 'sightline-authority-')));
    await authority.#openssl(
      'req -x509 -nodes -newkey rsa:2048 -keyout ca.key -out ca.pem -days 3650 -subj /CN=Authority',
    );
    return authority;
  }

  /** For `NODE_EXTRA_CA_CERTS`. */
  get file(): string {
    return join(this.#folder, 'ca.pem');
  }

  /** One that ends so many days from now. */
  async sign(days: number): Promise<Certificate> {
    await writeFile(join(this.#folder, 'extensions'), 'subjectAltName=IP:127.0.0.1\n');
    await this.#openssl('req -new -nodes -newkey rsa:2048 -keyout own.key -out own.csr -subj /CN=127.0.0.1');
    await this.#openssl(
      `x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days ${days} -extfile extensions -out own.pem`,
    );
    return {
      cert: await readFile(join(this.#folder, 'own.pem'), 'utf8'),
      key: await readFile(join(this.#folder, 'own.key'), 'utf8'),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #openssl(args: string): Promise<void> {
    await run('openssl', args.split(' '), { cwd: this.#folder });
  }
}

/** A backend over TLS that is there and does nothing; its certificate can be replaced. */
export async function startTlsBackend(certificate: Certificate) {
  const server = createServer({ ...certificate }, (_request, response) => response.end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** For connections from now on. */
    present: (next: Certificate) => server.setSecureContext({ ...next }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
