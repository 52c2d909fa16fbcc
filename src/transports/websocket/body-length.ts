import type { RawHeaders } from '../../wire/headers.ts';

/** Statuses without a body, whatever their headers say (RFC 9110 §6.4.1). */
const bodyless: ReadonlySet<number> = new Set([204, 304]);

/**
 * The length that the head of a reply gives its body; undefined where it gives none. Messages need none, but the
 * client's connection is framed by it: the rest of a longer body would pass for the next reply there.
 */
export function bodyLength(
  method: string,
  status: number,
  headers: RawHeaders,
): number | 'invalid' | undefined {
  if (method === 'HEAD' || bodyless.has(status)) return undefined;
  const lengths = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'content-length');
  const [length] = lengths;
  if (length === undefined) return undefined;
  return lengths.length === 1 && /^\d{1,15}$/.test(length) ? Number(length) : 'invalid';
}
