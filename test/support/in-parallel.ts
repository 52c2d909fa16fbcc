export interface InParallelOptions<Item> {
  readonly concurrency: number;
  /** Those that wait for a deadline are all done beside the others: it may be long, and is waited for once. */
  readonly waits?: (item: Item) => boolean;
}

/** Does it for all of them, so many at once. */
export async function inParallel<Item>(
  items: readonly Item[],
  { concurrency, waits = () => false }: InParallelOptions<Item>,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const beside = items.filter(waits);
  const next = items.filter((item) => !waits(item)).values();
  const worker = async () => {
    for (const item of next) await act(item);
  };
  await Promise.all([...beside.map(act), ...Array.from({ length: concurrency }, worker)]);
}
