import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { baseAddress } from './address-schema.ts';
import type { ListenConfig } from './config.ts';
import type { KeyPath } from './key-path.ts';
import { integer, section, text } from './section.ts';

const dataDefaults = { host: '0.0.0.0', port: 4000 };
const adminDefaults = { host: '127.0.0.1', port: 4001 };

const port = integer(0, 65_535, 'an integer from 0 to 65535 (0 takes a free port)');
const hostName = /^(?=.{1,253}$)(?!.*\.\d+$)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;
const hostError = 'an IP address or a host name, without port or brackets';
const host = text(hostError).refine((value) => isIP(value) !== 0 || hostName.test(value), hostError);

const originError = 'an origin such as https://app.example.com, without a path, or "*" for all';
const origin = text(originError, /^(\*|[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+)$/);

export const dataSection = section({
  host: host.default(dataDefaults.host),
  port: port.default(dataDefaults.port),
  origins: z.array(origin, 'a list of origins').default([]),
});

export const adminToken = {
  pattern: /^[\x21-\x7e]{16,}$/,
  error: 'a text of at least 16 visible ASCII characters without blanks',
} as const;

export const adminSection = section({
  host: host.default(adminDefaults.host),
  port: port.default(adminDefaults.port),
  token: text(adminToken.error, adminToken.pattern).optional(),
  tokenFile: text('the path of a file').optional(),
  jaegerUrl: baseAddress.optional(),
});

/** What is wrong between keys that are each right for themselves. */
export function listenConflicts(data: unknown, admin: unknown): { path: KeyPath; expected: string }[] {
  const { data: dataPlane } = dataSection.safeParse(data ?? {});
  const { data: adminPlane } = adminSection.safeParse(admin ?? {});
  const conflicts: { path: KeyPath; expected: string }[] = [];
  const { token, tokenFile } = adminPlane ?? {};
  if (token !== undefined && tokenFile !== undefined) {
    conflicts.push({ path: ['admin', 'tokenFile'], expected: 'nothing, where admin.token is set' });
  }
  if (adminPlane && (token ?? tokenFile) === undefined && !isLoopback(adminPlane.host)) {
    const expected =
      'a loopback address such as 127.0.0.1, or a token beside it: set SIGHTLINE_ADMIN_TOKEN or admin.token';
    conflicts.push({ path: ['admin', 'host'], expected });
  }
  if (dataPlane && adminPlane && collide(dataPlane, adminPlane)) {
    // Named is the one that was not left at its default.
    const [plane, other] = dataPlane.port === dataDefaults.port ? ['admin', 'data'] : ['data', 'admin'];
    conflicts.push({
      path: [plane, 'port'],
      expected: `another port than ${other}.port, which listens on it too`,
    });
  }
  return conflicts;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return address.toLowerCase() === 'localhost';
  return loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

const everyAddress = ['0.0.0.0', '::'];

function collide(data: ListenConfig, admin: ListenConfig): boolean {
  if (data.port !== admin.port || data.port === 0) return false;
  return (
    data.host === admin.host || [data.host, admin.host].some((address) => everyAddress.includes(address))
  );
}
