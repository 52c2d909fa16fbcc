import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { attribute, logEvent } from '../../src/telemetry/names.ts';
import type { Attributes } from '../support/otlp-sink.ts';
import { only, type Stage } from './stage.ts';

export const variable = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';
export const onSpans = { [variable]: 'SPAN_ONLY' };
export const inEvents = {
  [variable]: 'EVENT_ONLY',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_BLRP_SCHEDULE_DELAY: '20',
  OTEL_TRACES_EXPORTER: 'none',
};

export const inputKey = attribute.genAiInputMessages;
export const outputKey = attribute.genAiOutputMessages;
export const keys = [inputKey, outputKey, attribute.genAiSystemInstructions, attribute.genAiToolDefinitions];

/** What a span tells of content, parsed. */
export function contentOf(attributes: Attributes | undefined): Record<string, unknown> {
  const told = Object.entries(attributes ?? {}).filter(([key]) => keys.some((one) => one === key));
  return Object.fromEntries(told.map(([key, json]) => [key, JSON.parse(String(json)) as unknown]));
}

export const clientOf = async (stage: Stage, id: string) => only((await stage.spansOf(id)).clients);
export const contentOnSpan = async (stage: Stage, id: string) =>
  contentOf((await clientOf(stage, id)).attributes);
export const eventsOf = (stage: Stage) =>
  stage.sink.logs().filter(({ eventName }) => eventName === logEvent.inferenceDetails);

export const text = (content: string) => ({ type: 'text', content });
export const user = (content: string) => ({ role: 'user', parts: [text(content)] });
export const assistant = (content: string, finish_reason = 'stop') => ({
  role: 'assistant',
  parts: [text(content)],
  finish_reason,
});

/** A model backend that says these pieces: as a whole, or as a stream that ends, breaks off or waits. */
export async function startBackend(
  pieces: readonly string[],
  { gzip = false, breaksOff = false, waits = false } = {},
) {
  const seen: string[] = [];
  const server = http.createServer(async (request, response) => {
    const body = String(await buffer(request));
    seen.push(body);
    if (gzip) response.setHeader('content-encoding', 'gzip');
    const encoded = (text: string) => (gzip ? gzipSync(text) : Buffer.from(text));
    if (!/"stream": ?true/.test(body)) {
      const message = { role: 'assistant', content: pieces.join('') };
      const whole = { id: 'c1', model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
      response.setHeader('content-type', 'application/json');
      response.end(encoded(JSON.stringify(whole)));
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    const event = (delta: object, finish_reason: string | null) =>
      `data: ${JSON.stringify({ id: 'c1', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const events = pieces.map((content) => event({ content }, null)).join('');
    if (breaksOff) response.write(events, () => response.destroy());
    else if (waits) response.write(events);
    else response.end(encoded(`${events}${event({}, 'stop')}data: [DONE]\n\n`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export const ask = (content: string, more: object = {}) => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  ...more,
});
