/** What somebody else's code threw, in words. Anything can be thrown, also what has none. */
export function wordsOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'it threw something that cannot be told';
  }
}
