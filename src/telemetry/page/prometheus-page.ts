import { setImmediate as turn } from 'node:timers/promises';
import { MetricReader, type MetricReaderOptions, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ExemplarDemand } from '../metrics/exemplars.ts';
import { classicPage } from './classic-page.ts';
import { Families } from './families.ts';
import { labelsText, PageLabels } from './labels.ts';
import type { PageFormat } from './page-format.ts';

export interface PageOptions extends MetricReaderOptions {
  readonly exemplars?: ExemplarDemand;
  /** How long what is observed may take; what has not answered by then is left out. */
  readonly observeTimeoutMs?: number;
  /** A metric cannot be on the page, since another has its name. Told once of each. */
  readonly onLeftOut?: (name: string) => void;
}

/**
 * What is done at once, less than 5 ms of work each: at the bounds of labels a page has tens of thousands of points,
 * and tens of megabytes.
 */
const pointsAtOnce = 1_000;
const charsAtOnce = 256 * 1024;

/**
 * The metrics as a page for Prometheus to scrape. Names are those that Prometheus gives the same metrics when
 * they come over OTLP, so that dashboards work either way.
 */
export class PrometheusPage extends MetricReader {
  readonly #exemplars: ExemplarDemand | undefined;
  readonly #observeTimeoutMs: number | undefined;
  readonly #labels = new PageLabels();
  readonly #onLeftOut: (name: string) => void;
  readonly #leftOut = new Set<string>();

  constructor({ exemplars, observeTimeoutMs, onLeftOut = () => undefined, ...options }: PageOptions = {}) {
    super(options);
    this.#exemplars = exemplars;
    this.#observeTimeoutMs = observeTimeoutMs;
    this.#onLeftOut = onLeftOut;
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** There is nothing to flush, and the page is asked for also while the rest of telemetry is flushed. */
  override async shutdown(): Promise<void> {}

  /** The page as one text. */
  async render(format?: PageFormat): Promise<string> {
    let page = '';
    for await (const piece of await this.pieces(format)) page += piece;
    return page;
  }

  /** The page piece by piece, with room for others in between. All of it is of the moment when it was asked for. */
  async pieces(format: PageFormat = classicPage): Promise<AsyncIterable<string>> {
    if (format.hasExemplars) this.#exemplars?.begin();
    const timeoutMillis = this.#observeTimeoutMs;
    const { resourceMetrics } = await this.collect(timeoutMillis === undefined ? {} : { timeoutMillis });
    const families = await this.#families(resourceMetrics);
    families.separate(format.namesOf, new Set(format.ownNames));
    this.#tell(families.leftOut);
    return inPieces(format.texts(labelsText(resourceMetrics.resource.attributes), families.all));
  }

  async #families({ scopeMetrics }: ResourceMetrics): Promise<Families> {
    const families = new Families(this.#labels);
    let points = 0;
    for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      families.add(metric);
      points += metric.dataPoints.length;
      if (points < pointsAtOnce) continue;
      points = 0;
      await turn();
    }
    return families;
  }

  #tell(leftOut: ReadonlySet<string>): void {
    for (const name of leftOut) {
      if (this.#leftOut.has(name)) continue;
      this.#leftOut.add(name);
      this.#onLeftOut(name);
    }
  }
}

async function* inPieces(texts: Iterable<string>): AsyncGenerator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < charsAtOnce) continue;
    yield piece;
    piece = '';
    await turn();
  }
  if (piece !== '') yield piece;
}
