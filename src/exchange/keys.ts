/**
 * State that a middleware or a plugin keeps on an exchange. The key carries the type, so nobody has to
 * declare globally what may be absent.
 */
export interface Key<T> {
  readonly name: string;
  /** Never set: it only makes `Key<A>` and `Key<B>` different types. */
  readonly type?: T;
}

/** A key of its own, also where another has the same name. */
export function createKey<T>(name: string): Key<T> {
  return { name };
}
