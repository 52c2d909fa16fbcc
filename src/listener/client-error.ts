import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { genericProblemBody } from '../dialects/index.ts';
import { type ErrorCode, errorTable } from '../errors.ts';
import { requestId } from './request-id.ts';

/** A request that was refused before it became an exchange. */
export interface Rejection {
  readonly code: ErrorCode;
  /** The parser's own word for it. */
  readonly reason: string;
}

const rows: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/**
 * Answers what Node's parser refused (RFC 9112): malformed requests, headers that are too large, a length
 * that contradicts itself, requests that never end.
 */
export function answerMalformed(
  error: Error & { code?: string; reason?: string },
  socket: Duplex,
): Rejection {
  const reason = error.code ?? error.name;
  const code = rows[reason] ?? 'malformed_request';
  if (!socket.writable || reason === 'ECONNRESET') {
    socket.destroy();
    return { code, reason };
  }
  const { status, message } = errorTable[code];
  const { id } = requestId(undefined);
  const detail = error.reason ? `${message} (${error.reason})` : message;
  const body = JSON.stringify(
    genericProblemBody({ code, message: detail, status, requestId: id, traceId: undefined }),
  );
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  return { code, reason };
}
