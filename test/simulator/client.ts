import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';

/** A simulator that sends as fast as it can. */
export function startFast(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY, ...options });
}

export const hello = [
  { role: 'user' as const, content: 'Tell me about the weather in Zürich, 東京 and 🙂.' },
];

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** A request through `node:http`, which neither decodes nor retries. */
export function postRaw(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers: { ...headers }, agent: false }, resolve);
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

export interface ParsedEvent {
  readonly event: string;
  readonly data: string;
}

/** Reads a stream as the HTML standard says: any line end, comments, data over several lines. */
export function parseEvents(stream: string): ParsedEvent[] {
  const events: ParsedEvent[] = [];
  let event = '';
  let data: string[] = [];
  for (const line of stream.split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      event = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return events;
}

/** The text that a chat stream's events carry. */
export function chatText(stream: string): string {
  return parseEvents(stream)
    .filter(({ data }) => data.startsWith('{'))
    .map(({ data }) => JSON.parse(data).choices[0]?.delta.content ?? '')
    .join('');
}

/** What arrived until the reply ended or broke off. */
export async function readUntilBreak(message: IncomingMessage): Promise<{ body: string; broken: boolean }> {
  let body = '';
  message.setEncoding('utf8');
  message.on('data', (piece: string) => {
    body += piece;
  });
  const broken = await new Promise<boolean>((resolve) => {
    message.once('end', () => resolve(false));
    message.once('error', () => resolve(true));
  });
  return { body, broken };
}

export async function readJson(message: IncomingMessage): Promise<unknown> {
  const body = await text(message);
  assert.ok(body.length > 0);
  return JSON.parse(body);
}
