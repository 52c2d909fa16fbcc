import { randomFillSync } from 'node:crypto';
import { closePayload } from './close-frame.ts';
import { applyMask } from './mask.ts';
import { opcode } from './opcode.ts';

/** Masks must not be foreseeable by whoever chooses the payload (RFC 6455 §10.3); random bytes are cheaper by many. */
const randoms = Buffer.alloc(4 * 1024);
let randomsUsed = randoms.length;

/** A message as one frame. */
export function messageFrame(data: Buffer, isBinary: boolean, isMasked: boolean): Buffer {
  return frame(isBinary ? opcode.binary : opcode.text, data, isMasked);
}

export function pingFrame(payload: Buffer, isMasked: boolean): Buffer {
  return frame(opcode.ping, payload, isMasked);
}

/** @param code 1005: a close frame without one. */
export function closeFrame(code: number, reason: string, isMasked: boolean): Buffer {
  return frame(opcode.close, closePayload(code, reason), isMasked);
}

/** One whole frame. What goes to a server is masked (RFC 6455 §5.1). */
function frame(code: number, payload: Buffer, isMasked: boolean): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + (isMasked ? 4 : 0);
  const bytes = Buffer.allocUnsafe(start + length);
  bytes[0] = 0x80 | code;
  bytes[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) bytes.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(bytes, start);
  if (isMasked) {
    const mask = newMask();
    mask.copy(bytes, start - 4);
    applyMask(bytes.subarray(start), mask, 0);
  }
  return bytes;
}

function newMask(): Buffer {
  if (randomsUsed === randoms.length) {
    randomFillSync(randoms);
    randomsUsed = 0;
  }
  randomsUsed += 4;
  return randoms.subarray(randomsUsed - 4, randomsUsed);
}
