import { z } from 'zod';
import { streamPath } from '../stream/protocol.ts';
import { headers } from './headers-schema.ts';
import { upstreamLimitsSection } from './limits-schema.ts';
import { section, text } from './section.ts';

/** Prefixes that Sightline answers itself. */
const reservedNames = ['stream'];

const nameError = 'a name of lower-case letters, digits and "-", with a letter in it, beginning with no "-"';
const name = text(nameError, /^(?=.*[a-z])[a-z0-9][a-z0-9-]*$/).refine(
  (value) => !reservedNames.includes(value),
  `another name than ${reservedNames.join(', ')}, which Sightline keeps for itself`,
);

const addressError = 'an address that begins with http://, https://, ws:// or wss://';
const address = text(addressError).transform((value, context) => {
  const url = /^(https?|wss?):\/\//i.test(value) ? URL.parse(value) : null;
  const refusal = url ? addressRefusal(value, url) : addressError;
  if (refusal !== undefined || url === null) {
    context.addIssue({ code: 'custom', message: refusal ?? addressError });
    return z.NEVER;
  }
  // The request's path is appended, and begins with a slash of its own.
  url.pathname = url.pathname.replace(/\/+$/, '');
  // Another Sightline: the path is where its WebSocket is.
  if (url.protocol.startsWith('ws') && url.pathname === '/') url.pathname = streamPath;
  return url;
});

function addressRefusal(value: string, url: URL): string | undefined {
  if (url.username || url.password) {
    return 'an address without user name and password; give them in "headers" as authorization';
  }
  if (/[?#]/.test(value)) return 'an address without query and fragment: those come with each request';
  return undefined;
}

const providerError = 'a name such as openai, of at most 64 characters';
const probePath = text('a path that begins with "/"', /^\/[\x21-\x7e]*$/).default('/');

const upstream = z.preprocess(
  (value) => (typeof value === 'string' ? { url: value } : value),
  section({
    url: address,
    provider: text(providerError, /^\S{1,64}$/).optional(),
    headers: headers.prefault({}),
    probe: z
      .union([z.literal(false), section({ path: probePath })], 'false, or a mapping with the key path')
      .prefault({}),
    compression: z.boolean('true or false').default(false),
    limits: upstreamLimitsSection.prefault({}),
  }),
);

export const upstreamsSection = z.record(name, upstream, 'a mapping of names to addresses');
