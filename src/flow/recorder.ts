import type { ContentLimits } from '../dialects/content/attempt-content.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { RawHeaders } from '../wire/headers.ts';

/** Makes telemetry of exchanges. Never throws into the flow: telemetry never harms traffic. */
export interface Recorder {
  /** Gives the exchange its place in a trace. */
  begin(exchange: Exchange): void;
  /** Gives the attempt its place in the trace; returns the headers that tell the upstream of it. */
  beginAttempt(exchange: Exchange, attempt: Attempt): RawHeaders;
  /**
   * How much is to be kept of what is asked and answered in the exchange's newest attempt. Undefined: nothing, which is
   * the default.
   */
  contentLimits?(exchange: Exchange): ContentLimits | undefined;
  /**
   * Middleware has run on an exchange that goes on, maybe for hours: what is over of it is told now, so that it need
   * not be kept.
   */
  middlewareRan(exchange: Exchange): void;
  /** Called exactly once for each exchange that was begun, when it has its outcome. */
  end(exchange: Exchange): void;
}
