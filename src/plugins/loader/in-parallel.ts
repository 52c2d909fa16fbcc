/** Runs for each item, so many at once. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const rest = Iterator.from(items);
  const runner = async () => {
    // Runners share one iterator: each item is taken once.
    for (let next = rest.next(); !next.done; next = rest.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: width }, runner));
}
