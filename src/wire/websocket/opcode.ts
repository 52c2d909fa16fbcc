/** RFC 6455 §5.2; the others are reserved. Control frames have the bit 0x8. */
export const opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

export function isControl(code: number): boolean {
  return (code & 0x8) !== 0;
}

/** The payload of a control frame, bytes (RFC 6455 §5.5). */
export const controlBytesMax = 125;
