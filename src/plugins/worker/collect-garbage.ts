import { queryObjects } from 'node:v8';

/** Nobody makes one: the question how many there are is asked for the collection that it begins with. */
class Nothing {}

/** Collects this thread's garbage; what is left on its heap and in buffers, bytes. */
export function collectGarbage(): number {
  queryObjects(Nothing, { format: 'count' });
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
