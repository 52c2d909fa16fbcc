import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { genericProblemBody } from '../dialects/index.ts';
import { type ErrorCode, errorTable } from '../errors.ts';
import { requestId } from '../exchange/request-id.ts';

/** A request that was refused before it became an exchange. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What Node tells of a connection that failed: its parser, a timeout of its own, or the socket. */
export type ParserError = Error & { readonly code?: string; readonly reason?: string };

const rows: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Of all rejections. */
export const rejectionCodes: readonly ErrorCode[] = [
  ...Object.values(rows),
  'malformed_request',
  'too_many_pipelined',
];

/**
 * What Node's parser refused (RFC 9112): malformed requests, headers that are too large, a length that
 * contradicts itself, requests that never end. Undefined where the connection died: nobody is there to be
 * answered.
 */
export function rejectionOf(error: ParserError): Rejection | undefined {
  const reason = error.code ?? '';
  const code = rows[reason] ?? (reason.startsWith('HPE_') ? 'malformed_request' : undefined);
  if (code === undefined) return undefined;
  const { message } = errorTable[code];
  const detail = code === 'malformed_request' && error.reason ? `${message} (${error.reason})` : message;
  return { code, message: detail };
}

/** The connection ended before the request did. */
export function isEarlyEnd(error: ParserError): boolean {
  return error.code === 'HPE_INVALID_EOF_STATE';
}

/** Answers on the bare socket: there is no request to answer. */
export function answerRejection({ code, message }: Rejection, socket: Duplex, lingerTimeoutMs: number): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status } = errorTable[code];
  const { id } = requestId(undefined);
  const body = JSON.stringify(
    genericProblemBody({ code, message, status, requestId: id, traceId: undefined }),
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
  const timer = setTimeout(() => socket.destroy(), lingerTimeoutMs).unref();
  socket.once('close', () => clearTimeout(timer));
}
