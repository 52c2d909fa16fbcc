import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { messageOf, nameOf, stackFrames } from '../errors.ts';
import { epochMs } from '../exchange/clock.ts';
import type { ExchangeView } from '../exchange/view.ts';
import type { HookRun } from '../hooks/hook-run.ts';
import type { Measurements } from './metrics/measurements.ts';
import { attribute, spanEvent } from './names.ts';
import { pluginAttributes } from './spans/span-attributes.ts';

interface HookRecorderOptions {
  readonly tracer: Tracer;
  readonly measurements: Measurements;
  /** A run that took less, and worked, gets no span, ms. */
  readonly spanThresholdMs: number;
}

/** Turns the runs of plugins' hook callbacks into telemetry, each when it is over. */
export class HookRecorder {
  readonly #options: HookRecorderOptions;

  constructor(options: HookRecorderOptions) {
    this.#options = options;
  }

  ran(run: HookRun): void {
    const { measurements, spanThresholdMs } = this.#options;
    const exchange = 'exchange' in run.payload ? run.payload.exchange : undefined;
    const trace = measurements.traceOf(exchange);
    measurements.pluginRan(run.plugin, 'hook', run.point, run.durationMs, run.failure, trace);
    if (exchange && (run.failure !== undefined || run.durationMs >= spanThresholdMs)) {
      this.#span(run, exchange);
    }
  }

  /** Below the exchange's span, which has often ended by then. */
  #span({ point, plugin, startedAt, durationMs, failure, error, frames }: HookRun, exchange: ExchangeView) {
    const endTime = epochMs(exchange.clock, startedAt + durationMs);
    const span = this.#options.tracer.startSpan(
      `hook ${plugin.name} ${point}`,
      {
        kind: SpanKind.INTERNAL,
        startTime: epochMs(exchange.clock, startedAt),
        attributes: { [attribute.hookPoint]: point, ...pluginAttributes(plugin) },
      },
      exchange.context,
    );
    if (failure !== undefined) {
      if (error) {
        const event = {
          [attribute.exceptionType]: nameOf(error),
          [attribute.exceptionMessage]: messageOf(error),
          [attribute.exceptionStacktrace]: stackFrames(error, frames),
        };
        span.addEvent(spanEvent.exception, event, endTime);
      }
      span.setAttribute(attribute.errorType, failure);
      span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    }
    span.end(endTime);
  }
}
