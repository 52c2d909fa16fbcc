import { z } from 'zod';
import { text } from './section.ts';

/** They belong to one connection (RFC 9110 §7.6.1), or are made by the transport. */
const refusedHeaders = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const headerNameError = 'a header name: letters, digits and "-"';
const headerName = text(headerNameError, /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i).refine(
  (value) => !refusedHeaders.has(value.toLowerCase()),
  'another header: this one belongs to the connection, and the transport sets it',
);
const headerValue = text(
  'a text of visible characters on one line, without blanks at its ends (numbers in quotes)',
  /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/,
);

/** Set on requests of ours. Names come out in lower case. */
export const headers = z
  .record(headerName, headerValue, 'a mapping of header names to values')
  .transform((given, context) => {
    const lowered = new Map<string, string>();
    for (const [key, value] of Object.entries(given)) {
      if (lowered.has(key.toLowerCase())) {
        context.addIssue({ code: 'custom', path: [key], message: 'each header once, in one spelling' });
      }
      lowered.set(key.toLowerCase(), value);
    }
    return Object.fromEntries(lowered);
  });
