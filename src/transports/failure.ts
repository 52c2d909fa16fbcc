import { errors } from 'undici';
import { type ErrorCode, SightlineError } from '../errors.ts';

/** How far an attempt had come when its connection failed. */
export type Progress = 'before head' | 'in body';

/** Codes of undici, Node and TLS that mean that no request was ever answered or even sent. */
const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve now',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'no answer to the connection',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the connect timeout',
  EADDRNOTAVAIL: 'no local port is free',
  EMFILE: 'too many open files here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** Codes of undici and Node for a request that cannot stand on the wire as it is. */
const unsendable = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_UNESCAPED_CHARACTERS',
]);

/** What undici or Node says of a failed attempt, as a row of the error table. */
export function transportError(cause: unknown, progress: Progress): SightlineError {
  if (cause instanceof SightlineError) return cause;
  const code = codeOf(cause);
  const why = whyUnreachable(cause);
  if (why !== undefined && progress === 'before head') {
    return new SightlineError('upstream_unreachable', {
      message: `The upstream cannot be reached: ${why}.`,
      cause,
    });
  }
  if (cause instanceof errors.HTTPParserError) {
    // Garbage in the middle of a body has broken off what was there of the reply.
    return new SightlineError(progress === 'in body' ? 'upstream_truncated' : 'upstream_invalid_reply', {
      cause,
    });
  }
  return new SightlineError(rowFor(code, progress), { cause });
}

/** Why no connection came about, in words; undefined where that is not what has failed. */
export function whyUnreachable(cause: unknown): string | undefined {
  const code = codeOf(cause);
  const why = unreachable[code];
  return why && `${why} (${code})`;
}

function rowFor(code: string, progress: Progress): ErrorCode {
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'upstream_timeout';
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return 'upstream_invalid_reply';
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' && progress === 'before head')
    return 'upstream_invalid_reply';
  if (unsendable.has(code)) return 'malformed_request';
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') return 'client_aborted';
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') return 'stopping';
  if (progress === 'in body') return 'upstream_truncated';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return 'upstream_unreachable';
  return 'upstream_closed';
}

/** undici wraps: the code that tells most is the innermost one that has a meaning here. */
function codeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 4; depth += 1) {
    if (error instanceof AggregateError && error.errors.length > 0) {
      error = error.errors[0];
      continue;
    }
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (code !== '' && (code !== 'UND_ERR_SOCKET' || !(error.cause instanceof Error))) return code;
    if (!(error.cause instanceof Error)) return code;
    error = error.cause;
  }
  return '';
}

/** RFC 9112 §4. Parsers let other bytes through, and Node refuses to write them. */
export function isReasonPhrase(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
