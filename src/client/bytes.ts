/*
 * Base64 and the length of texts, with what every platform has: `Buffer` is Node's alone, and
 * `Uint8Array.fromBase64` is younger than the platforms that are meant.
 */

/** More arguments than this are not safe on every engine's stack. */
const argumentsMax = 8_192;

/** Throws where it is no base64. */
export function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  // `from` with a function takes twenty times as long.
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (let start = 0; start < bytes.length; start += argumentsMax)
    // A spread would take them one by one.
    binary += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(start, start + argumentsMax));
  return btoa(binary);
}

/** Of the bytes that it stands for. */
export function base64Length(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : Number(base64.endsWith('='));
  return (base64.length / 4) * 3 - padding;
}

/** In UTF-8, without making the bytes. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts two: a pair is four bytes.
    length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}
