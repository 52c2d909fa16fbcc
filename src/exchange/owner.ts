/** Whose code runs at a hook point or in the middleware stack: a plugin, in one of its versions. */
export interface Owner {
  readonly name: string;
  readonly version: string;
  /** The frames of an error's stack, in lines of the plugin's own source, without the message at its head. */
  frames(error: Error): string;
}

/** The frames of what an owner threw; undefined where there are none to tell. Never throws. */
export function framesIn(owner: Owner | undefined, thrown: unknown): string | undefined {
  if (!owner || !(thrown instanceof Error)) return undefined;
  try {
    return owner.frames(thrown) || undefined;
  } catch {
    // The plain stack is told instead.
    return undefined;
  }
}
