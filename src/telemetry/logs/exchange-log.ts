import type { Logger as LogEmitter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import { lineKey } from '../names.ts';
import { exchangeRecord, type Level } from './exchange-record.ts';
import type { LogLines } from './log-lines.ts';
import { emitRecord } from './otel-record.ts';
import { recordInWords } from './record-words.ts';

/** How bad it is for whoever runs the service: what a client ends by itself is no news, what an upstream does is. */
const levels: Readonly<Record<Outcome, Level>> = {
  completed: 'info',
  client_aborted: 'info',
  upstream_error: 'warn',
  upstream_truncated: 'warn',
  upstream_unreachable: 'warn',
  timed_out: 'warn',
  blocked: 'warn',
  failed: 'error',
};

export interface ExchangeLogOptions {
  /** Its level decides which lines are written. */
  readonly log: Logger;
  readonly lines: LogLines;
  /** `log.exchanges`: whether lines are written at all. */
  readonly areLinesOn: boolean;
  /** Where log records go to as well. */
  readonly emitter: LogEmitter | undefined;
  readonly attributeCharsMax: number;
}

/**
 * One log record for each exchange: a line of standard output, and a record of OpenTelemetry where somebody takes
 * those. Both say the same, and both name the exchange's span.
 *
 * Nothing of what was asked and answered is in it: what is to be told of that is added to the record here, where each
 * exchange comes by once.
 */
export class ExchangeLog {
  readonly #isWritten: Readonly<Record<Level, boolean>>;
  readonly #lines: LogLines;
  readonly #emitter: LogEmitter | undefined;
  readonly #charsMax: number;

  constructor({ log, lines, areLinesOn, emitter, attributeCharsMax }: ExchangeLogOptions) {
    const isWritten = (level: Level) => areLinesOn && log.isLevelEnabled(level);
    this.#isWritten = { info: isWritten('info'), warn: isWritten('warn'), error: isWritten('error') };
    this.#lines = lines;
    this.#emitter = emitter;
    this.#charsMax = attributeCharsMax;
  }

  /** Called once for each exchange, when it has its outcome. */
  ended(exchange: Exchange): void {
    const level = levels[exchange.outcome ?? 'failed'];
    const isWritten = this.#isWritten[level];
    if (!isWritten && !this.#emitter) return;
    const record = exchangeRecord(exchange, level, this.#charsMax);
    if (this.#emitter) emitRecord(this.#emitter, { ...record, [lineKey.message]: recordInWords(record) });
    if (isWritten) this.#lines.add(record, level !== 'info');
  }
}
