import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly endsAt: Date;
}

const configurationFor = (names: string) => `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = ${names}
`;

/** Signed with its own key, and made by `openssl`; it may have ended long ago. */
export function makeCertificate(begin: Date, end: Date, names = 'DNS:localhost,IP:127.0.0.1'): Certificate {
  const cwd = mkdtempSync(join(tmpdir(), 'sightline-certificate-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd, stdio: 'pipe' });
  // 20261123080000Z
  const time = (date: Date) =>
    date
      .toISOString()
      .replace(/\.\d+|\D/g, '')
      .concat('Z');
  try {
    writeFileSync(join(cwd, 'ca.cnf'), configurationFor(names));
    writeFileSync(join(cwd, 'index.txt'), '');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem'];
    openssl('req', '-new', ...key, '-subj', '/CN=localhost', '-out', 'request.pem');
    const validity = ['-startdate', time(begin), '-enddate', time(end)];
    const files = ['-keyfile', 'key.pem', '-in', 'request.pem', '-out', 'cert.pem', '-notext'];
    openssl('ca', '-config', 'ca.cnf', '-batch', '-selfsign', ...files, ...validity);
    const read = (file: string) => readFileSync(join(cwd, file), 'utf8');
    return { key: read('key.pem'), cert: read('cert.pem'), endsAt: end };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** An upstream that shows this certificate. */
export async function serveTls({ key, cert }: Certificate) {
  let asked = 0;
  const server = createServer({ key, cert }, (_request, response) => {
    asked += 1;
    response.end();
  });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    get asked() {
      return asked;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
