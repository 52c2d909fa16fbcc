import { execFileSync } from 'node:child_process';

/** The signature header of Standard Webhooks, as `openssl` makes it. */
export function opensslSignature(id: string, timestamp: string, body: string, keyHex: string): string {
  const signed = execFileSync(
    'openssl',
    ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${keyHex}`, '-binary'],
    { input: `${id}.${timestamp}.${body}` },
  );
  return `v1,${signed.toString('base64')}`;
}
