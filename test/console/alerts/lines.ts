import type { AlertLine } from '../../../src/admin/api/alerts.ts';

/** The threshold of memory, but for what is given. */
export function alertLine(change: Partial<AlertLine> = {}): AlertLine {
  return {
    id: 'memory',
    title: 'Memory',
    state: 'inactive',
    value: 200,
    comparison: 'above',
    limit: 500,
    unit: 'MB',
    severity: 'warning',
    summary: 'The process holds more memory than it should.',
    action: 'Unload one plugin after the other with `POST /api/plugins/:name/unload`.',
    since: '2026-11-23T11:00:00.000Z',
    field: 'memory.rssMb',
    windowMs: 0,
    holdMs: 60_000,
    keepMs: 120_000,
    ...change,
  };
}
