import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { TestProxy } from '../../middleware/proxy.ts';
import { startService } from '../../support/service.ts';
import { type Page, parsePage } from '../../telemetry/prometheus-text.ts';

/** The folder that `npm start` watches in a clone. */
const folder = fileURLToPath(new URL('../../../plugins', import.meta.url));

interface ExamplesOptions {
  /** `plugins.config`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** In the place of the simulator. */
  readonly upstream?: string;
  readonly limits?: Readonly<Record<string, number>>;
}

/** The service with every example plugin, as a user has it who configures some of them. */
export async function startExamples({ config, upstream, limits = {} }: ExamplesOptions): Promise<TestProxy> {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  const service = await startService({
    config: {
      upstreams: { default: upstream ?? simulator.url },
      plugins: { folder, watch: false, config },
      limits,
    },
  });
  return new TestProxy(simulator, service);
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

export const question = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] };

export async function metricsOf({ service }: TestProxy): Promise<Page> {
  return parsePage(await (await fetch(`${service.adminUrl}/metrics`)).text());
}

/** The attributes of the span of an exchange that has ended. */
export async function spanOf(proxy: TestProxy, id: string) {
  await proxy.endings.of(id);
  const trace = proxy.service.telemetry.traces
    .list(100)
    .find(({ attributes }) => attributes['sightline.exchange.id'] === id);
  return trace?.attributes ?? {};
}

/** A chat stream that says these pieces, one an event. */
export function chatStream(pieces: readonly string[], model = 'gpt-4o'): string {
  const event = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: 'c', model, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  return `${pieces.map((content) => event({ content }, null)).join('')}${event({}, 'stop')}data: [DONE]\n\n`;
}

export function chatReply(content: string, extra: object = {}): string {
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return JSON.stringify({ id: 'c', model: 'gpt-4o-2024-08-06', choices, ...extra });
}
