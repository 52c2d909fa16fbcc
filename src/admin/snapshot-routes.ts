import { type Request, Router } from 'express';
import { SightlineError } from '../errors.ts';
import type { MetricsCollector } from '../snapshots/metrics-collector.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import type { EventStream, EventStreams } from './event-stream.ts';

type Collector = Pick<MetricsCollector, 'snapshots' | 'since' | 'onSnapshot'>;

/** The snapshots that are kept, and those to come. */
export function snapshotRoutes(collector: Collector, streams: EventStreams): Router {
  const router = Router();
  router.get('/api/metrics/snapshots', ({ query }, response) => {
    const since = momentOf(query.since, "'since'");
    response.json({ snapshots: since === undefined ? collector.snapshots : collector.since(since) });
  });
  router.get('/api/metrics/snapshots/stream', (request, response) => {
    const since = lastSeen(request) ?? Number.POSITIVE_INFINITY;
    void tell(collector, streams.open(response), since);
  });
  return router;
}

/** Who comes back wants what came after the last that it got, whatever its address says. */
function lastSeen(request: Request): number | undefined {
  const id = request.get('last-event-id');
  return id ? momentOf(id, "'Last-Event-ID'") : momentOf(request.query.since, "'since'");
}

/** What is kept goes out as fast as it is taken, and what comes meanwhile; when nothing is left, each as it comes. */
async function tell(collector: Collector, stream: EventStream, since: number): Promise<void> {
  let last = since;
  for (let next = collector.since(last); next.length > 0 && stream.isOpen; next = collector.since(last)) {
    for (const snapshot of next) {
      last = snapshot.at;
      if (!send(stream, snapshot)) await stream.drained();
    }
  }
  if (stream.isOpen) stream.onClose(collector.onSnapshot((snapshot) => send(stream, snapshot)));
}

function send(stream: EventStream, snapshot: Snapshot): boolean {
  return stream.send({ id: snapshot.at, data: snapshot });
}

const isoDate = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2}))?$/;

/** ms since the epoch. Throws `malformed_request`. */
function momentOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : '';
  const moment = /^\d{1,15}$/.test(text) ? Number(text) : isoDate.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new SightlineError('malformed_request', {
    message: `${name} must be a time: milliseconds since the epoch, or ISO 8601 such as 2026-11-23T08:00:00Z.`,
  });
}
