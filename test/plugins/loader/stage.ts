import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { DynamicLoader, type FileChange } from '../../../src/plugins/loader/dynamic-loader.ts';
import type { OpenHints } from '../../../src/plugins/loader/folder-hints.ts';
import type { FolderLimits } from '../../../src/plugins/loader/plugin-folder.ts';
import { FakeBuilder } from './fake-builder.ts';

const hour = 3_600_000;
const limits: FolderLimits = {
  pluginSettleMs: 25,
  pluginSweepIntervalMs: hour,
  pluginFilesMax: 2_000,
  pluginFileBytesMax: 1_000,
};

export const noHints: OpenHints = () => ({ close: async () => undefined });

/** The ways in which a loader comes to know of a change; each has to find them all by itself. */
export const ways = {
  'by hints': { watch: true },
  'by sweeps': { watch: true, openHints: noHints, limits: { pluginSweepIntervalMs: 20 } },
  'by scans': { watch: false },
} as const satisfies Record<string, StageOptions>;

export interface StageOptions {
  watch?: boolean;
  openHints?: OpenHints;
  limits?: Partial<FolderLimits>;
  /** The plugin folder, below the stage's own; it is not made. */
  folder?: string;
  onChanges?: (changes: readonly FileChange[]) => Promise<void>;
}

/** A folder of its own, a loader on it, and the batches that came of it. */
export class Stage implements AsyncDisposable {
  readonly builder = new FakeBuilder();
  readonly loader: DynamicLoader;
  readonly root: string;
  readonly folder: string;
  readonly logged: { level: number; msg: string; [field: string]: unknown }[] = [];
  readonly #isScanned: boolean;
  readonly #batches: string[][] = [];
  #arrived: () => void = () => undefined;

  constructor(options: StageOptions) {
    this.root = mkdtempSync(join(tmpdir(), 'sightline-loader-'));
    this.folder = join(this.root, options.folder ?? 'plugins');
    if (!options.folder) mkdirSync(this.folder);
    this.#isScanned = options.watch === false;
    const lines = new Writable({
      write: (line, _encoding, done) => {
        this.logged.push(JSON.parse(String(line)));
        done();
      },
    });
    this.loader = new DynamicLoader({
      folder: this.folder,
      builder: this.builder,
      watch: options.watch ?? true,
      limits: { ...limits, ...options.limits },
      log: pino(lines),
      onChanges: async (changes) => {
        this.#batches.push(changes.map((change) => this.#describe(change)));
        this.#arrived();
        await options.onChanges?.(changes);
      },
      ...(options.openHints && { openHints: options.openHints }),
    });
  }

  /** Below the plugin folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** As most editors save. */
  writeAtomically(name: string, text: string): void {
    this.write(`${name}.tmp`, text);
    renameSync(this.path(`${name}.tmp`), this.path(name));
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }

  /** The next batch, each change in words: `built a.plugin.ts: its code`, `broken …: why`, `gone …`. */
  async batch(): Promise<string[]> {
    if (this.#isScanned) await this.loader.scan();
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error('there came no batch')), 30_000);
    try {
      while (this.#batches.length === 0) {
        const arrival = new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
        await Promise.race([arrival, promise]);
      }
    } finally {
      clearTimeout(timer);
    }
    return this.#batches.shift() ?? [];
  }

  /** The batches up to the one whose last change is this. */
  async batchesUntil(last: string): Promise<string[][]> {
    const batches = [];
    for (;;) {
      const batch = await this.batch();
      batches.push(batch);
      if (batch.at(-1) === last) return batches;
    }
  }

  /** Nothing more is told, however closely one looks. */
  async quiet(): Promise<void> {
    await this.loader.scan();
    await this.loader.scan();
    assert.deepEqual(this.#batches, []);
  }

  /** Builds since the last time that this was asked. */
  builds(): string[] {
    return this.builder.asked.splice(0).map((file) => this.#name(file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loader.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  #describe(change: FileChange): string {
    const name = this.#name(change.file);
    if (change.kind === 'gone') return `gone ${name}`;
    if (change.kind === 'built') return `built ${name}: ${change.build.code}`;
    return `broken ${name}: ${change.problem.message}`;
  }

  #name(file: string): string {
    return file.slice(this.folder.length + 1);
  }
}

export async function startStage(options: StageOptions, files: Record<string, string> = {}): Promise<Stage> {
  const stage = new Stage(options);
  for (const [name, text] of Object.entries(files)) stage.write(name, text);
  await stage.loader.start();
  if (Object.keys(files).some((name) => /\.plugin\./.test(name))) await stage.batch();
  return stage;
}
