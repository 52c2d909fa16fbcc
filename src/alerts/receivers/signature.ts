import { createHmac } from 'node:crypto';

/** Before a secret that is written as base64. */
const prefix = 'whsec_';

/**
 * The headers of a signed message, by Standard Webhooks 1.0.0: HMAC with SHA-256 over id, time and body, so that a
 * recorded message cannot be sent again later. Receivers check it with any of that specification's libraries.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * @param id Without a dot.
 * @param at ms since the epoch.
 */
export function signedHeaders(
  id: string,
  at: number,
  body: string,
  key: Buffer | undefined,
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (!key) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

/** Nobody can have meant anything else after `whsec_`. */
export function isSigningSecret(secret: string): boolean {
  return !secret.startsWith(prefix) || /^whsec_(?=.)(?:[\w+/-]{4})*(?:[\w+/-]{2,3}=*)?$/.test(secret);
}

/** The key that a secret stands for: base64 after `whsec_`; any other text as it is, in UTF-8. */
export function signingKey(secret: string): Buffer {
  return secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), 'base64')
    : Buffer.from(secret, 'utf8');
}
