import type { ServerResponse } from 'node:http';
import { Encoder, type EncodingName, encodeWhole } from './encoding.ts';
import type { Fault, FaultName } from './faults.ts';
import type { Line } from './line.ts';
import type { Pace } from './pace.ts';
import type { Recorder } from './recorder.ts';
import type { Frame, Script } from './script.ts';
import { formatFrame, formatUnusually, garbageEvents } from './sse.ts';

/** Everything that one reply needs on its way out. */
export interface Delivery {
  readonly response: ServerResponse;
  readonly line: Line;
  readonly recorder: Recorder;
  readonly pace: Pace;
  readonly fault: Fault | undefined;
  readonly encoding: EncodingName | undefined;
  /** The body leaves in chunks of a given size, so its length is not announced. */
  readonly chunked: boolean;
  /** Those that do not depend on the body, at the moment the head leaves. */
  headers(): readonly string[];
  /** From here on the reply's end is the fault's doing. */
  blameFault(): void;
}

/** Faults that let a number of tokens pass before they strike. */
const afterTokens: ReadonlySet<FaultName> = new Set([
  'sim-truncate',
  'sim-stall',
  'sim-clean-cut',
  'sim-error-event',
]);

export async function deliverStream(script: Script, delivery: Delivery): Promise<void> {
  const { response, line, pace, fault, encoding } = delivery;
  sendHead(delivery, ['Content-Type', 'text/event-stream; charset=utf-8', 'Cache-Control', 'no-cache']);
  response.flushHeaders();

  const limit = fault && afterTokens.has(fault.name) ? fault.argument : Number.POSITIVE_INFINITY;
  const encoder = encoding && new Encoder(encoding);
  let tokens = 0;
  try {
    for (const frame of script.frames()) {
      const struck = tokens >= limit || (frame.terminal === true && limit !== Number.POSITIVE_INFINITY);
      if (struck) return await strike(script, delivery, encoder);
      if (frame.terminal && fault?.name === 'sim-never-ends') return await hang(delivery);
      if (frame.output) {
        const waitMs = pace.next();
        if (waitMs > 0) await line.sleep(waitMs);
        tokens += 1;
      }
      if (line.closed) return;
      const wait = sendFrame(frame, delivery, encoder);
      if (wait) await wait;
      if (frame.output && fault?.name === 'sim-malformed-sse') await sendGarbage(tokens, delivery, encoder);
    }
    await finish(delivery, encoder);
  } finally {
    encoder?.close();
  }
}

function sendFrame(
  frame: Frame,
  delivery: Delivery,
  encoder: Encoder | undefined,
): Promise<void> | undefined {
  const { line, recorder, fault } = delivery;
  const text = fault?.name === 'sim-crlf' ? formatUnusually(frame) : formatFrame(frame);
  const at = performance.now();
  const noted = (): void => {
    if (frame.output) recorder.outputSent(at);
    if (frame.marks) recorder.marksSent(frame.marks);
    if (frame.terminal) recorder.entry.terminalSent = true;
  };
  if (!encoder) return line.write(Buffer.from(text), noted);
  return encoder.encode(Buffer.from(text)).then((bytes) => line.write(bytes, noted));
}

async function sendGarbage(tokens: number, { line }: Delivery, encoder: Encoder | undefined): Promise<void> {
  const garbage = garbageEvents[tokens - 1];
  if (garbage) await line.write(encoder ? await encoder.encode(garbage) : garbage);
}

async function finish({ line }: Delivery, encoder: Encoder | undefined): Promise<void> {
  if (encoder) await line.write(await encoder.finish());
  await line.end();
}

async function strike(script: Script, delivery: Delivery, encoder: Encoder | undefined): Promise<void> {
  const { line, fault } = delivery;
  switch (fault?.name) {
    case 'sim-stall':
      return hang(delivery);
    case 'sim-truncate':
      delivery.blameFault();
      return line.breakOff();
    case 'sim-error-event':
      delivery.blameFault();
      await sendFrame(script.errorFrame(), delivery, encoder);
      return finish(delivery, encoder);
    default:
      delivery.blameFault();
      return finish(delivery, encoder);
  }
}

async function hang(delivery: Delivery): Promise<void> {
  delivery.blameFault();
  await delivery.line.flush();
  await delivery.line.gone();
}

export async function deliverWhole(script: Script, delivery: Delivery): Promise<void> {
  const { line, recorder, pace, fault, encoding, chunked } = delivery;
  const { body, marks } = script.whole();
  const text = fault?.name === 'sim-malformed-sse' ? `${body.slice(0, -1)},"broken":` : body;
  const plain = Buffer.from(text);
  const bytes = encoding ? await encodeWhole(encoding, plain) : plain;
  const waitMs = pace.whole(script.tokens);
  if (waitMs > 0) await line.sleep(waitMs);
  if (line.closed) return;

  const open = chunked || fault?.name === 'sim-clean-cut' || fault?.name === 'sim-never-ends';
  sendHead(delivery, [
    'Content-Type',
    'application/json',
    ...(open ? [] : ['Content-Length', String(bytes.length)]),
  ]);
  const noted = (): void => {
    for (const mark of marks) recorder.marksSent(mark);
    recorder.entry.terminalSent = true;
  };
  const half = bytes.subarray(0, bytes.length >> 1);
  switch (fault?.name) {
    case 'sim-truncate':
      delivery.blameFault();
      await line.write(half);
      return line.breakOff();
    case 'sim-stall':
      await line.write(half);
      return hang(delivery);
    case 'sim-clean-cut':
      delivery.blameFault();
      await line.write(half);
      return line.end();
    case 'sim-never-ends':
      await line.write(bytes, () => {
        for (const mark of marks) recorder.marksSent(mark);
      });
      return hang(delivery);
    default:
      await line.write(bytes, noted);
      return line.end();
  }
}

function sendHead(delivery: Delivery, bodyHeaders: readonly string[]): void {
  const { response, recorder, encoding } = delivery;
  const encoded = encoding ? ['Content-Encoding', encoding, 'Vary', 'Accept-Encoding'] : [];
  response.writeHead(200, [...bodyHeaders, ...encoded, ...delivery.headers()]);
  recorder.headSent(200);
}
