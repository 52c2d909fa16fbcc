import type { Request } from 'express';
import { classicPage } from './classic-page.ts';
import { openMetricsPage } from './open-metrics-page.ts';
import type { PageFormat } from './page-format.ts';

/** Ways to write names that Prometheus did not allow once. None of ours is such a name, so each comes true. */
const escapings = ['', ...['underscores', 'allow-utf-8', 'dots', 'values'].map((one) => `; escaping=${one}`)];

/** What can be asked for; the first is for whoever does not say. */
const offered = new Map<string, PageFormat>(
  [classicPage, openMetricsPage].flatMap((format) =>
    escapings.map((escaping) => [format.contentType + escaping, format]),
  ),
);

/**
 * The form of the page that the request's `accept` prefers. Whoever can take neither gets the classic one: a page
 * that nobody asked for says more to a person than a 406.
 * https://prometheus.io/docs/instrumenting/content_negotiation/
 */
export function formatFor(request: Pick<Request, 'accepts'>): PageFormat {
  const type = request.accepts([...offered.keys()]);
  return (type && offered.get(type)) || classicPage;
}
