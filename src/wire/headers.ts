/**
 * Header fields as they stand on the wire: names and values in turn, in order, duplicates and letter case
 * kept. Maps of headers lose all of that, and bytes are to pass untouched.
 */
export type RawHeaders = readonly string[];

/** The first value of a field, or undefined. `name` in lower case. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const field = headers[i];
    if (field !== undefined && field.length === name.length && field.toLowerCase() === name) {
      return headers[i + 1];
    }
  }
  return undefined;
}

/** The headers without the named fields. `names` in lower case. */
export function withoutHeaders(headers: RawHeaders, names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const field = headers[i] as string;
    if (!names.has(field.toLowerCase())) kept.push(field, headers[i + 1] as string);
  }
  return kept;
}

/** The headers with one field set to one value: every earlier value of it goes. */
export function withHeader(headers: RawHeaders, name: string, value: string): string[] {
  const kept = withoutHeaders(headers, new Set([name.toLowerCase()]));
  kept.push(name, value);
  return kept;
}

/** Fields that concern one connection only: RFC 9110 §7.6.1, and the credentials for a proxy (§11.7.2). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The fields that go to the other end: without those of this hop, without those that `Connection` names,
 * and without `also`, which the caller sets itself.
 */
export function endToEndHeaders(headers: RawHeaders, also: ReadonlySet<string>): string[] {
  let named: Set<string> | undefined;
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== 'connection') continue;
    for (const token of (headers[i + 1] as string).split(',')) {
      const name = token.trim().toLowerCase();
      if (name !== '' && name !== 'close') {
        named ??= new Set();
        named.add(name);
      }
    }
  }
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const field = headers[i] as string;
    const name = field.toLowerCase();
    if (hopByHop.has(name) || also.has(name) || named?.has(name)) continue;
    kept.push(field, headers[i + 1] as string);
  }
  return kept;
}
