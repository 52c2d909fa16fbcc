import type { DeliveryContext } from '../../../src/alerts/receivers/delivery-queue.ts';
import { defaultLimits } from '../../../src/limits.ts';
import type { Logger } from '../../../src/log.ts';
import { attribute } from '../../../src/telemetry/names.ts';

type Line = Record<string, unknown> & { level: 'info' | 'warn' | 'error'; message: string };

/** A log that a test can read. */
export class LogBook {
  readonly lines: Line[] = [];

  get log(): Logger {
    const write = (level: Line['level']) => (fields: object, message: string) => {
      this.lines.push({ ...fields, level, message });
    };
    return { info: write('info'), warn: write('warn'), error: write('error') } as unknown as Logger;
  }

  get text(): string {
    return JSON.stringify(this.lines);
  }
}

/** What a delivery queue needs, without waits that anybody would notice. */
export class TestDeliveryContext {
  readonly book = new LogBook();
  readonly log = this.book.log;
  /** Of the metric, by result. */
  readonly counts: Record<string, number> = {};
  readonly limits = { ...defaultLimits, alertRetryDelayMs: 1 };
  readonly instruments: DeliveryContext['instruments'] = {
    alertNotifications: {
      add: (value, attributes) => {
        const result = String(attributes?.[attribute.result]);
        this.counts[result] = (this.counts[result] ?? 0) + value;
      },
    },
  };
}
