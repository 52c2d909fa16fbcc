import { SightlineError } from '../../errors.ts';
import type { Peer } from '../../exchange/session-facts.ts';
import { noCode } from '../../wire/websocket/close-frame.ts';
import type { FrameError } from '../../wire/websocket/frame-error.ts';

/** What a peer is told of the other one's fault or absence (RFC 6455 §7.4.1; 1014 is IANA's "Bad Gateway"). */
export const absenceCodes = { client: 1001, upstream: 1014 } as const;

export function other(peer: Peer): Peer {
  return peer === 'client' ? 'upstream' : 'client';
}

/** What a close frame means for its session: none where it ends well, by RFC 6455 §7.4.1 or without a code. */
export function closeError(from: Peer, code: number): SightlineError | undefined {
  if (code === 1000 || code === 1001 || code === noCode) return undefined;
  return new SightlineError(from === 'client' ? 'client_aborted' : 'upstream_close_code', {
    message: `The ${from} closed the session with the code ${code}.`,
  });
}

/** The error of a peer that breaks the protocol. */
export function faultError(from: Peer, { closeCode, message }: FrameError): SightlineError {
  const codes = {
    client: { 1002: 'bad_frame', 1007: 'bad_text', 1009: 'message_too_large' },
    upstream: {
      1002: 'upstream_bad_frame',
      1007: 'upstream_bad_frame',
      1009: 'upstream_message_too_large',
    },
  } as const;
  return new SightlineError(codes[from][closeCode], { message });
}
