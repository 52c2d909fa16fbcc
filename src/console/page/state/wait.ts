/** Runs `then` after so long. Returns what calls that off. */
export function wait(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
}
