/** What a callback has cost since the service started. */
export interface Cost {
  /**
   * All calls of `on_chunk` for one exchange are measured as one. On a session, a message that belongs to no turn passes
   * through the middleware like an exchange of its own, one of the upstream without `before_query`.
   */
  readonly calls: number;
  readonly totalMs: number;
  readonly p95Ms?: number;
  /** Of its runs, those that failed. A refusal on purpose is no failure. */
  readonly errors: number;
}

/** `/api/pipeline`: what an exchange runs through now, in order, with what each has cost. */
export interface PipelineView {
  readonly generation: number;
  /** That have ended since the service started. */
  readonly exchanges: number;
  /** In the order of `beforeQuery`; replies come back through it in reverse. */
  readonly middleware: readonly MiddlewareView[];
  /** Those points that somebody watches, in the order of an exchange. */
  readonly hooks: readonly HookPointView[];
}

export interface MiddlewareView {
  readonly name: string;
  /** Absent: the configuration, or the embedding program, brought it. */
  readonly plugin?: string;
  readonly priority?: number;
  readonly onFailure: 'fail' | 'continue';
  readonly breaker?: string;
  /**
   * Those callbacks that it has: `before_query`, `on_chunk`, `after_response`, `on_error`. No cost: it has not run, or the
   * metrics do not tell it from others (`labelValuesMax`, `seriesMax`).
   */
  readonly phases: readonly { readonly phase: string; readonly cost?: Cost }[];
}

export interface HookPointView {
  readonly point: string;
  /** In the order in which they are called. */
  readonly callbacks: readonly HookCallbackView[];
}

export interface HookCallbackView {
  readonly owner: string;
  readonly plugin?: string;
  readonly priority: number;
  readonly breaker?: string;
  /** Of all callbacks of this plugin at this point; absent of those that no plugin brought. */
  readonly cost?: Cost;
}
