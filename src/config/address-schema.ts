import { z } from 'zod';
import { text } from './section.ts';

const addressError = 'an address that begins with http:// or https://';

/** User and password belong into a header: node-fetch takes them in no address. */
export const httpAddress = text(addressError).transform((value, context) => {
  const url = /^https?:\/\//i.test(value) ? URL.parse(value) : null;
  if (url === null) return refuse(context, addressError);
  if (url.username || url.password) return refuse(context, 'an address without user name and password');
  return url;
});

/** A path is appended to it, which begins with a slash of its own. */
export const baseAddress = httpAddress.transform((url, context) => {
  if (url.search || url.hash) return refuse(context, 'an address without query and fragment');
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
});

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
