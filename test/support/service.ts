import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import type { MessageType } from '../../src/messages/message-type.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { Service, type ServiceOptions } from '../../src/service.ts';

export interface TestServiceOptions {
  /** The configuration file, as an object. Ports are free ones on loopback unless it says otherwise. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** `OTEL_*` variables, for the life of the service. Without any, nothing is exported. */
  readonly otel?: Readonly<Record<string, string>>;
  readonly middleware?: readonly Middleware[];
  readonly messageTypes?: readonly MessageType[];
  /** Takes the log. Nothing is logged unless the configuration says so. */
  readonly stdout?: NonNullable<ServiceOptions['stdout']>;
}

/** A service as a user would configure it, in this process. Stop it with `stop()` or `await using`. */
export async function startService(options: TestServiceOptions = {}): Promise<Service & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-test-'));
  const file = {
    data: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    log: { level: 'silent' },
    ...options.config,
    // Nothing looks or probes by itself, beside what the test is of, unless it says so.
    limits: { snapshotIntervalMs: 60_000, ...(options.config?.limits as object | undefined) },
  };
  await writeFile(join(folder, 'sightline.yaml'), stringify(file));
  // The exporters of the SDK read the environment themselves, when they are made.
  const otel = options.otel ?? { OTEL_TRACES_EXPORTER: 'none' };
  const before = { ...process.env };
  Object.assign(process.env, otel);
  try {
    const config = loadConfig({}, folder);
    const service = await Service.start({
      config,
      env: otel,
      middleware: options.middleware ?? [],
      messageTypes: options.messageTypes ?? [],
      ...(options.stdout && { stdout: options.stdout }),
    });
    return Object.assign(service, { [Symbol.asyncDispose]: () => service.stop() });
  } finally {
    for (const name of Object.keys(otel)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await rm(folder, { recursive: true, force: true });
  }
}
