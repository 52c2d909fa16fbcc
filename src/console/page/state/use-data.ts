import { useCallback, useEffect, useState } from 'preact/hooks';
import { type ApiError, get } from './api.ts';
import { reconnects } from './events.ts';
import { Resource } from './resource.ts';

export interface Data<Answer> {
  /** What was last answered: after a change of `path` what the old one answered, until the new one does. */
  readonly data: Answer | undefined;
  /** Of the last call; undefined where it succeeded. */
  readonly error: ApiError | undefined;
  /** `path` has answered nothing yet, not even an error. */
  readonly isLoading: boolean;
  reload(): void;
}

/**
 * What a GET of `path` answers, asked for anew when `path` or `version` changes and after each lost connection; once
 * it is there, only while the page can be seen. `undefined`: nothing is asked for.
 */
export function useData<Answer>(path: string | undefined, version?: unknown): Data<Answer> {
  const [resource] = useState(() => new Resource<Answer>(get));
  const returns = reconnects.value;
  useEffect(() => {
    if (!document.hidden || !resource.data.peek()) return resource.want(path);
    const seen = () => resource.want(path);
    document.addEventListener('visibilitychange', seen, { once: true });
    return () => document.removeEventListener('visibilitychange', seen);
  }, [resource, path, version, returns]);
  useEffect(() => () => resource.close(), [resource]);
  const reload = useCallback(() => resource.want(path), [resource, path]);
  return {
    data: resource.data.value,
    error: resource.error.value,
    isLoading: resource.isLoading.value,
    reload,
  };
}
