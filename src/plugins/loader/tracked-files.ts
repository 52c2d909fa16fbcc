import { absent, absentStamp, contentOf, type Stamp, stampOf } from './file-stamp.ts';
import { inParallel } from './in-parallel.ts';

/**
 * Many at once cost a third of what one after the other does. A walk through the folder goes before, one call
 * at a time: a mount that hangs stops there, and holds one of Node's file threads and no more.
 */
const looksAtOnce = 64;

/** Files held in memory at once. */
const readsAtOnce = 4;

/** On both clocks: that of the file system, which can jump, and the process's own. */
export interface Moment {
  readonly wallMs: number;
  readonly steadyMs: number;
}

export function now(): Moment {
  return { wallMs: Date.now(), steadyMs: performance.now() };
}

interface Track {
  readonly trackedAtMs: number;
  seen: Stamp;
  /** When `seen` was seen first; the settle time before that where it is old. */
  seenAtMs: number;
  /** Had it not changed for the settle time when it was seen first? */
  isOld: boolean;
  /** The stamp to which `content` belongs. */
  known: string | undefined;
  content: string | undefined;
}

/** When the first and the last of what is changing will have settled, were they left alone from here on. */
export interface Settling {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/**
 * What is known of each file: how it looked, since when, and its content's hash. A look that differs from the
 * one before makes a file unsettled; it is read when its looks have been equal for the settle time.
 */
export class TrackedFiles {
  readonly #tracks = new Map<string, Track>();
  readonly #settleMs: number;
  readonly #bytesMax: number;

  constructor(settleMs: number, bytesMax: number) {
    this.#settleMs = settleMs;
    this.#bytesMax = bytesMax;
  }

  /** A hash, or a word for what is there instead of a file; undefined before the first reading. */
  contentOf(path: string): string | undefined {
    return this.#tracks.get(path)?.content;
  }

  /** Is its content known as it looked the last time? */
  isSettled(path: string): boolean {
    const track = this.#tracks.get(path);
    return track !== undefined && isRead(track);
  }

  /** Undefined where nothing is changing. */
  settling(): Settling | undefined {
    const changing = [...this.#tracks.values()].filter((track) => !isRead(track));
    if (changing.length === 0) return undefined;
    const dues = changing.map(({ seenAtMs }) => seenAtMs + this.#settleMs);
    return {
      firstAtMs: dues.reduce((a, b) => Math.min(a, b)),
      lastAtMs: dues.reduce((a, b) => Math.max(a, b)),
    };
  }

  /**
   * Looks at all of these and forgets the others. Those in `missing` are known not to be there. `trustOld`
   * takes files that are new here for settled where they have not changed for the settle time.
   */
  async look(
    paths: ReadonlySet<string>,
    missing: ReadonlySet<string>,
    begun: Moment,
    trustOld: boolean,
  ): Promise<void> {
    for (const path of this.#tracks.keys()) if (!paths.has(path)) this.#tracks.delete(path);
    const stamps = new Map<string, Stamp>();
    await inParallel(paths, looksAtOnce, async (path) => {
      stamps.set(path, missing.has(path) ? absentStamp : await stampOf(path));
    });
    // What one look sees settles at one time, however long the look took.
    const oldBeforeMs = trustOld ? begun.wallMs - this.#settleMs : Number.NEGATIVE_INFINITY;
    const seenAtMs = performance.now();
    for (const [path, stamp] of stamps) this.#see(path, stamp, seenAtMs, oldBeforeMs);
  }

  /** Reads what has looked the same for the settle time, as of a look that began then. */
  async readSettled(begun: Moment): Promise<void> {
    await inParallel(this.#tracks, readsAtOnce, async ([path, track]) => {
      if (isRead(track) || begun.steadyMs - track.seenAtMs < this.#settleMs) return;
      const { seen } = track;
      track.content = await contentOf(path, seen, this.#bytesMax);
      track.known = seen.text;
    });
  }

  /** Everything is to be read again, however it looks: some file systems keep times to two seconds only. */
  distrust(): void {
    for (const track of this.#tracks.values()) track.known = undefined;
  }

  /**
   * Somebody else has read this content since `begun`: is it what is on disk, whole? Yes where the file was
   * settled before and looks the same now, or where it was not known here and was old when the reading began.
   * Else it has to settle.
   */
  async confirm(path: string, content: string, begun: Moment): Promise<boolean> {
    const stamp = await stampOf(path);
    const track = this.#see(path, stamp, performance.now(), begun.wallMs - this.#settleMs);
    const isOldAndNew = track.trackedAtMs >= begun.steadyMs && track.isOld;
    if (!isRead(track) && !isOldAndNew) return false;
    track.content = content;
    track.known = track.seen.text;
    return true;
  }

  /**
   * Somebody else has found nothing of use at this path since `begun`: is that so? Yes where nothing is
   * there, or what was known to be there before, so that it was passed over knowingly.
   */
  async confirmMissing(path: string, begun: Moment): Promise<boolean> {
    const stamp = await stampOf(path);
    const track = this.#see(path, stamp, performance.now(), begun.wallMs - this.#settleMs);
    if (track.trackedAtMs < begun.steadyMs) return isRead(track);
    if (stamp.text !== absent) return false;
    track.content = absent;
    track.known = absent;
    return true;
  }

  #see(path: string, stamp: Stamp, seenAtMs: number, oldBeforeMs: number): Track {
    const track = this.#tracks.get(path);
    if (track?.seen.text === stamp.text) return track;
    if (track) {
      track.seen = stamp;
      track.seenAtMs = seenAtMs;
      track.isOld = false;
      return track;
    }
    // What changes in the future, by the clock of its mount, is not old.
    const isOld = stamp.changedAtMs <= oldBeforeMs;
    const fresh: Track = {
      trackedAtMs: seenAtMs,
      seen: stamp,
      seenAtMs: isOld ? seenAtMs - this.#settleMs : seenAtMs,
      isOld,
      known: undefined,
      content: undefined,
    };
    this.#tracks.set(path, fresh);
    return fresh;
  }
}

function isRead(track: Track): boolean {
  return track.known === track.seen.text;
}
