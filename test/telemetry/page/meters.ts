import type { Meter } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { RecordedMetrics } from '../../../src/telemetry/metrics/recorded-metrics.ts';
import { openMetricsPage } from '../../../src/telemetry/page/open-metrics-page.ts';
import { type PageOptions, PrometheusPage } from '../../../src/telemetry/page/prometheus-page.ts';
import { type OpenMetricsPage, parseOpenMetrics } from '../open-metrics-text.ts';
import { type Page, parsePage } from '../prometheus-text.ts';

/** A page, and meters whose metrics are on it. */
export class Meters {
  /** Those of ours, whose histograms have exemplars. */
  readonly recorded = new RecordedMetrics({ name: 'ours' }, 100);
  /** What could not be on a page. */
  readonly leftOut: string[] = [];
  readonly page: PrometheusPage;
  readonly provider: MeterProvider;
  readonly meter: Meter;

  constructor(resource: Record<string, string> = {}, options: PageOptions = {}) {
    this.page = new PrometheusPage({
      ...options,
      metricProducers: [this.recorded.producer(), ...(options.metricProducers ?? [])],
      exemplars: this.recorded.exemplars,
      onLeftOut: (name) => this.leftOut.push(name),
    });
    this.provider = new MeterProvider({ resource: resourceFromAttributes(resource), readers: [this.page] });
    this.meter = this.provider.getMeter('tests');
  }

  async classic(): Promise<Page> {
    return parsePage(await this.page.render());
  }

  async openMetrics(): Promise<OpenMetricsPage> {
    return parseOpenMetrics(await this.page.render(openMetricsPage));
  }
}
