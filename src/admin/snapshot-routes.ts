import { Router } from 'express';
import type { MetricsCollector } from '../snapshots/metrics-collector.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import { type EventStream, type EventStreams, headOfStream } from './event-stream.ts';
import { lastSeen } from './last-seen.ts';
import { moment, parameters } from './parameters.ts';

type Collector = Pick<MetricsCollector, 'snapshots' | 'since' | 'onSnapshot'>;

/** The snapshots that are kept, and those to come. */
export function snapshotRoutes(collector: Collector, streams: EventStreams): Router {
  const router = Router();
  router.get('/api/metrics/snapshots', ({ query }, response) => {
    const { since } = parameters({ since: moment.optional() }, query);
    response.json({ snapshots: since === undefined ? collector.snapshots : collector.since(since) });
  });
  router.head('/api/metrics/snapshots/stream', headOfStream);
  router.get('/api/metrics/snapshots/stream', (request, response) => {
    const since = lastSeen(request) ?? Number.POSITIVE_INFINITY;
    void tell(collector, streams.open(response), since);
  });
  return router;
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
