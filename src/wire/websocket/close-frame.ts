import { isUtf8 } from 'node:buffer';
import { FrameError } from './frame-error.ts';
import { controlBytesMax } from './opcode.ts';

/** No close frame has a code of these: they tell that there was none in it, or no close frame at all. */
export const noCode = 1005;
export const noCloseFrame = 1006;

/** The code and reason of a close frame. Throws a `FrameError`. */
export function readClose(payload: Buffer): { code: number; reason: string } {
  if (payload.length === 0) return { code: noCode, reason: '' };
  if (payload.length === 1) throw new FrameError(1002, 'A close frame has a payload of one byte.');
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) throw new FrameError(1002, `A close frame has the code ${code}.`);
  const reason = payload.subarray(2);
  if (!isUtf8(reason)) throw new FrameError(1007, 'The reason of a close frame is not valid UTF-8.');
  return { code, reason: reason.toString() };
}

/** The payload of a close frame. What of the reason is too long is cut off, between two characters. */
export function closePayload(code: number, reason = ''): Buffer {
  if (code === noCode) return Buffer.alloc(0);
  let text = Buffer.from(reason);
  let length = Math.min(text.length, controlBytesMax - 2);
  while (length < text.length && ((text[length] as number) & 0xc0) === 0x80) length -= 1;
  text = text.subarray(0, length);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return payload;
}

/** RFC 6455 §7.4.2 and the registry: https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== noCode && code !== noCloseFrame;
}
