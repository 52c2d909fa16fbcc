/** The same mask turned by `offset` bytes, four bytes at a time in the order of this machine. */
const turned = new Uint8Array(4);
const turnedWord = new Int32Array(turned.buffer);

/** Below this the view for whole words costs more than it saves, bytes. */
const wordsFrom = 32;

/**
 * Masks, or unmasks, in place (RFC 6455 §5.3).
 *
 * @param mask Four bytes.
 * @param offset How many bytes of the payload came before these.
 */
export function applyMask(bytes: Buffer, mask: Uint8Array, offset: number): void {
  let at = 0;
  if (bytes.length >= wordsFrom) {
    const { byteOffset, length } = bytes;
    const first = (4 - (byteOffset & 3)) & 3;
    for (; at < first; at += 1) bytes[at] = (bytes[at] as number) ^ (mask[(offset + at) & 3] as number);
    for (let i = 0; i < 4; i += 1) turned[i] = mask[(offset + at + i) & 3] as number;
    const word = turnedWord[0] as number;
    const words = new Int32Array(bytes.buffer, byteOffset + at, (length - at) >>> 2);
    const count = words.length;
    // Four at a time it is more than twice as fast.
    let i = 0;
    for (; i + 4 <= count; i += 4) {
      words[i] = (words[i] as number) ^ word;
      words[i + 1] = (words[i + 1] as number) ^ word;
      words[i + 2] = (words[i + 2] as number) ^ word;
      words[i + 3] = (words[i + 3] as number) ^ word;
    }
    for (; i < count; i += 1) words[i] = (words[i] as number) ^ word;
    at += count * 4;
  }
  for (; at < bytes.length; at += 1) bytes[at] = (bytes[at] as number) ^ (mask[(offset + at) & 3] as number);
}
