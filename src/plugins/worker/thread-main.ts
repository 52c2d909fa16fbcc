import { parentPort, workerData } from 'node:worker_threads';
import { PluginThread } from './plugin-thread.ts';
import type { FromThread, ThreadData, ToThread } from './protocol.ts';

/* Where the thread of a plugin begins. */

if (!parentPort) throw new Error('This file is run as a worker.');
const port = parentPort;
const post = (message: FromThread, moved: ArrayBuffer[] = []): void => port.postMessage(message, moved);

const thread = new PluginThread(workerData as ThreadData, post);
port.on('message', (message: ToThread) => thread.take(message));
process.on('uncaughtException', (thrown) => {
  post({ kind: 'fatal', error: thread.plain(thrown) });
  process.exit(1);
});
await thread.start();
