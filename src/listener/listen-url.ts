import type { AddressInfo } from 'node:net';

/** The address of a plane as one can click it: a wildcard is reached over loopback. */
export function listenUrl({ address, family, port }: AddressInfo): string {
  const isWildcard = address === '0.0.0.0' || address === '::';
  const host = isWildcard ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
