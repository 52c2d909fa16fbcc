import type { Fault, FaultName } from '../faults.ts';
import type { Pace } from '../pace.ts';
import { usualProblem } from '../problems.ts';
import type { Ending, Recorder } from '../recorder.ts';
import type { Beat, Interruption, ResponseEvent, ResponseScript } from './response-script.ts';
import type { SocketLine } from './socket-line.ts';

export interface TurnParts {
  readonly script: ResponseScript;
  readonly line: SocketLine;
  readonly recorder: Recorder;
  readonly pace: () => Pace;
  readonly fault: Fault | undefined;
  readonly responseId: string;
  readonly isOutOfBand: boolean;
}

/** Faults that let a number of tokens pass before they strike. */
const afterTokens: ReadonlySet<FaultName> = new Set([
  'sim-truncate',
  'sim-stall',
  'sim-clean-cut',
  'sim-error-event',
]);

/** What is no JSON, no object, or no event, and yet a text message. */
const garbage = ['{"type":"response.output_text.delta","delta":', '[1,2]', 'not json at all', '{"type":7}'];

/** One response on its way out, at the model's pace, and its entry in the journal. */
export class Turn {
  readonly responseId: string;
  readonly isOutOfBand: boolean;
  readonly #parts: TurnParts;
  #ending: Ending = 'completed';
  #isOver = false;
  #tokens = 0;
  #awake: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: TurnParts) {
    this.#parts = parts;
    this.responseId = parts.responseId;
    this.isOutOfBand = parts.isOutOfBand;
  }

  /** It has not said its last event, and may never. */
  get isActive(): boolean {
    return !this.#isOver;
  }

  /** Its entry in the journal is complete. */
  get hasEnded(): boolean {
    return this.#parts.recorder.entry.ended !== undefined;
  }

  /** Ends it before its time, with what it has said. Nothing where its last event is out. */
  interrupt(interruption: Interruption): void {
    const { script } = this.#parts;
    if (this.#isOver || this.#ending !== 'completed') return;
    script.interruption = interruption;
    this.#ending = interruption.status === 'failed' ? 'fault' : 'client_aborted';
    this.#awake?.();
  }

  /** Its connection is about to be destroyed, and not by its client. */
  kill(): void {
    this.#ending = 'fault';
    this.#parts.recorder.entry.fault ??= 'killed';
  }

  /** Its connection is gone. */
  gone(): void {
    this.#isOver = true;
    this.#awake?.();
    this.#parts.recorder.end(this.#ending === 'fault' ? 'fault' : 'client_aborted');
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Settled when it sends no more. */
  get finished(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    const { script, fault, line } = this.#parts;
    if (fault?.name === 'sim-slow-start') await this.#sleep(fault.argument);
    const pace = this.#parts.pace();
    for (const next of script.events()) {
      if (line.closed) return;
      if (typeof next === 'string') {
        if (this.#strikes(next)) {
          if (fault?.name !== 'sim-error-event') return this.#strike();
          this.interrupt(failure());
        }
        if (next === 'token') await this.#token(pace);
        else this.#isOver = true;
        continue;
      }
      this.#send(next);
      const room = line.room();
      if (room) await room;
    }
  }

  /** Waits until the next token is due. */
  async #token(pace: Pace): Promise<void> {
    const { script, fault, line } = this.#parts;
    if (script.interruption) return;
    if (fault?.name === 'sim-malformed-sse' && this.#tokens > 0) {
      const junk = garbage[this.#tokens - 1];
      if (junk !== undefined) line.send(junk);
    }
    this.#tokens += 1;
    const waitMs = pace.next();
    if (waitMs > 0) await this.#sleep(waitMs);
  }

  #send({ data, output, marks }: ResponseEvent): void {
    const { line, recorder } = this.#parts;
    const at = performance.now();
    const bytes = Buffer.from(data);
    line.send(bytes, () => {
      recorder.bytesSent(bytes);
      if (output) recorder.outputSent(at);
      if (marks) recorder.marksSent(marks);
      if (marks?.finishReason === undefined) return;
      recorder.entry.terminalSent = true;
      recorder.end(this.#ending);
    });
  }

  #strikes(beat: Beat): boolean {
    const { fault, script } = this.#parts;
    if (!fault || script.interruption) return false;
    if (fault.name === 'sim-never-ends') return beat === 'end';
    return afterTokens.has(fault.name) && (beat === 'end' || this.#tokens >= fault.argument);
  }

  async #strike(): Promise<void> {
    const { fault, line } = this.#parts;
    this.#ending = 'fault';
    if (fault?.name === 'sim-stall') line.mute();
    else if (fault?.name === 'sim-truncate') await line.breakOff();
    else if (fault?.name === 'sim-clean-cut') line.close(1011, usualProblem('openai', 500).message);
  }

  /** Ends early where the response is interrupted, or nobody is there any more. */
  async #sleep(ms: number): Promise<void> {
    const { line, script } = this.#parts;
    if (line.closed || script.interruption) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
      this.#awake = resolve;
    });
    clearTimeout(timer);
    this.#awake = undefined;
  }
}

/** How the API says that a response failed by its own fault. */
function failure(): Interruption {
  const { message } = usualProblem('openai', 500);
  return { status: 'failed', error: { type: 'server_error', code: 'server_error', message } };
}
