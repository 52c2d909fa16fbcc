import { setImmediate as turn } from 'node:timers/promises';
import { MetricReader, type MetricReaderOptions } from '@opentelemetry/sdk-metrics';
import type { ExemplarStore } from '../exemplars.ts';
import { classicPage } from './classic-page.ts';
import { Families } from './families.ts';
import { labelsText } from './labels.ts';
import type { PageFormat } from './page-format.ts';

export interface PageOptions extends MetricReaderOptions {
  readonly exemplars?: ExemplarStore;
  /** A metric cannot be on the page, since another has its name. Told once of each. */
  readonly onLeftOut?: (name: string) => void;
}

/** About 5 ms of work. At the bounds of labels a page has hundreds of thousands. */
const linesAtOnce = 5_000;

/**
 * The metrics as a page for Prometheus to scrape. Names are those that Prometheus gives the same metrics when
 * they come over OTLP, so that dashboards work either way.
 */
export class PrometheusPage extends MetricReader {
  readonly #exemplars: ExemplarStore | undefined;
  readonly #onLeftOut: (name: string) => void;
  readonly #leftOut = new Set<string>();

  constructor({ exemplars, onLeftOut = () => undefined, ...options }: PageOptions = {}) {
    super(options);
    this.#exemplars = exemplars;
    this.#onLeftOut = onLeftOut;
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** There is nothing to flush, and the page is asked for also while the rest of telemetry is flushed. */
  override async shutdown(): Promise<void> {}

  async render(format: PageFormat = classicPage): Promise<string> {
    if (format.hasExemplars) this.#exemplars?.want();
    const { resourceMetrics } = await this.collect();
    const families = new Families(format.hasExemplars ? this.#exemplars : undefined);
    for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) families.add(metric);
    families.separate(format.namesOf, new Set(format.ownNames));
    this.#tell(families.leftOut);
    const target = labelsText(resourceMetrics.resource.attributes);
    let page = '';
    let lines = 0;
    for (const line of format.lines(target, families.all)) {
      page += `${line}\n`;
      lines += 1;
      if (lines % linesAtOnce === 0) await turn();
    }
    return page;
  }

  #tell(leftOut: ReadonlySet<string>): void {
    for (const name of leftOut) {
      if (this.#leftOut.has(name)) continue;
      this.#leftOut.add(name);
      this.#onLeftOut(name);
    }
  }
}
