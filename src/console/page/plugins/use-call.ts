import { useState } from 'preact/hooks';
import type { PluginsView } from '../../../admin/api/plugins.ts';
import { ApiError, post } from '../state/api.ts';

export interface Call {
  readonly isBusy: boolean;
  /** Why the last one was refused. */
  readonly error: ApiError | undefined;
  /** Resolves with the plugins as they are afterwards; undefined where it was refused, or one is under way. */
  run(path: string): Promise<PluginsView | undefined>;
  forget(): void;
}

/** One call at a time that changes something about plugins. */
export function useCall(): Call {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  return {
    isBusy,
    error,
    async run(path) {
      if (isBusy) return undefined;
      setBusy(true);
      setError(undefined);
      try {
        return await post<PluginsView>(path);
      } catch (thrown) {
        setError(
          thrown instanceof ApiError
            ? thrown
            : new ApiError(0, {
                code: 'unknown',
                message: thrown instanceof Error ? thrown.message : String(thrown),
              }),
        );
        return undefined;
      } finally {
        setBusy(false);
      }
    },
    forget: () => setError(undefined),
  };
}
