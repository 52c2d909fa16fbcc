import type { Request } from 'express';
import type { z } from 'zod';
import { SightlineError } from '../errors.ts';

/**
 * A body of JSON, as its schema has it. Rejects with `content_type_unsupported`, `body_too_large` or
 * `malformed_request`.
 */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  bytesMax: number,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (!request.is('application/json'))
    throw new SightlineError('content_type_unsupported', { message: 'The body must be application/json.' });
  const parsed = schema.safeParse(parse(await read(request, bytesMax)));
  if (parsed.success) return parsed.data;
  const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
  throw malformed(`The body is not as it has to be: ${[...path, message].join(': ')}.`);
}

async function read(request: Request, bytesMax: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > bytesMax)
        throw new SightlineError('body_too_large', { message: `The body is larger than ${bytesMax} bytes.` });
      pieces.push(piece);
    }
  } finally {
    // A rest is read away, or it would stand before the connection's next request.
    request.resume();
  }
  return Buffer.concat(pieces).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed('The body is not valid JSON.', cause);
  }
}

function malformed(message: string, cause?: unknown): SightlineError {
  return new SightlineError('malformed_request', { message, cause });
}
