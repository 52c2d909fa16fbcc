/** What a shell takes as itself. */
const plain = /^[A-Za-z0-9_/:=.,@%+-]+$/;

/**
 * A word for POSIX shells that stands for exactly this text: nothing of it is a variable, a command or a pattern. A
 * shell has no words with NUL; it is left out.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02
 */
export function shellQuote(text: string): string {
  const word = text.replaceAll('\0', '');
  return plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
