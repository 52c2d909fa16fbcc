import type { Random } from '../../support/random.ts';

/** A frame as a test writes it: whatever it says, right or wrong, is what goes on the wire. */
export interface FrameParts {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly opcode: number;
  readonly payload?: Buffer;
  readonly mask?: Buffer | undefined;
  /** Bytes of the extended length; default as few as the payload needs. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Default the payload's. */
  readonly length?: number;
}

export function frameBytes(parts: FrameParts): Buffer {
  const { fin = true, rsv = 0, opcode, payload = Buffer.alloc(0), mask, length = payload.length } = parts;
  const lengthBytes = parts.lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  header[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
  if (!mask) return Buffer.concat([header, payload]);
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i += 1) masked[i] = (masked[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([header, mask, masked]);
}

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 1) bytes[i] = random.integer(0, 255);
  return bytes;
}

/** The bytes in pieces, broken at random places. */
export function randomPieces(random: Random, bytes: Buffer, pieceBytesMax: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const to = at + random.integer(1, pieceBytesMax);
    // Each with memory of its own, as they come from a socket.
    pieces.push(Buffer.from(bytes.subarray(at, to)));
    at = to;
  }
  return pieces;
}
