/** Another Sightline, which is spoken to over one WebSocket. */
export function isWebSocket(url: URL): boolean {
  return url.protocol === 'ws:' || url.protocol === 'wss:';
}

/** The same host and port for HTTP: a `ws:` address is one of those with another scheme (RFC 6455 §3). */
export function httpAddress(url: URL): URL {
  const address = new URL(url);
  if (isWebSocket(url)) address.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  return address;
}
