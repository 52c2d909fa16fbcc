/** Whose code runs at a hook point or in the middleware stack: a plugin, in one of its versions. */
export interface Owner {
  readonly name: string;
  readonly version: string;
  /** The frames of an error's stack, in lines of the plugin's own source, without the message at its head. */
  frames(error: Error): string;
}
