import { randomUUID } from 'node:crypto';

/** What may stand in logs and headers as it came: visible ASCII, of a length that ids have. */
const acceptable = /^[\x21-\x7e]{1,128}$/;

/** The client's own id where it is acceptable, else a new one. */
export function requestId(sent: string | undefined): { id: string; isClients: boolean } {
  return sent !== undefined && acceptable.test(sent)
    ? { id: sent, isClients: true }
    : { id: randomUUID(), isClients: false };
}
