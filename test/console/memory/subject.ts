import { createWriteStream } from 'node:fs';
import { devNull } from 'node:os';
import { loadConfig } from '../../../src/config/load.ts';
import { Service } from '../../../src/service.ts';

/*
 * A service in a process of its own, in the folder that it is started in; with `--expose-gc`. Tells its addresses,
 * and each time that it is asked what it holds on to.
 */

const service = await Service.start({
  config: loadConfig({}, process.cwd()),
  env: { OTEL_TRACES_EXPORTER: 'none' },
  stdout: createWriteStream(devNull),
});

process.on('message', () => {
  gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ heapBytes: heapUsed + external, rssBytes: rss });
});
process.on('disconnect', () => process.exit());
process.send?.({ dataUrl: service.dataUrl, adminUrl: service.adminUrl });
