import type { Frame } from './script.ts';

export function formatFrame({ event, data }: Frame): string {
  return event === '' ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`;
}

/**
 * The same event in unusual but legal dress: CRLF, a comment, fields in another order, no space after the
 * colon, and JSON over several data lines, which the standard joins with line feeds.
 */
export function formatUnusually({ event, data }: Frame): string {
  const lines = data.startsWith('{') ? JSON.stringify(JSON.parse(data), null, 1).split('\n') : [data];
  const fields = [': keep-alive', ...lines.map((line, index) => `data:${index % 2 === 0 ? ' ' : ''}${line}`)];
  if (event !== '') fields.push(`event:${event}`);
  return `${fields.join('\r\n')}\r\n\r\n`;
}

/** What must not stop a reader that is only passing by; each ends with a blank line, so that the next is whole. */
export const garbageEvents: readonly Buffer[] = [
  Buffer.from('data: {"id":"broken","choices":[{"delta":{"content":"\n\n'),
  Buffer.from('no colon in this line\n\n'),
  Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0x20, 0xff, 0xfe, 0xc3, 0x28, 0x0a, 0x0a]),
  Buffer.from('event: simulator.unknown\ndata: not json at all\n\n'),
];
