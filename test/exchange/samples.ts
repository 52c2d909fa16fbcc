import type { Dialect } from '../../src/dialects/dialect.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { Query } from '../../src/exchange/query.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import type { JsonObject } from '../../src/wire/json.ts';

interface SampleOptions {
  readonly dialect?: Dialect | undefined;
  readonly headers?: readonly string[];
  readonly limits?: Partial<Limits>;
}

/** An exchange as the listener would have begun it. */
export function sampleExchange(options: SampleOptions = {}): Exchange {
  const { dialect = openaiChat, headers = [], limits } = options;
  const path = dialect.path;
  return new Exchange(
    'exchange-1',
    false,
    { method: 'POST', target: path, path, headers, httpVersion: '1.1' },
    { template: path, upstream: 'default', dialect },
    { ...defaultLimits, ...limits },
  );
}

export function sampleQuery(payload: JsonObject = { model: 'gpt-4o', messages: [] }): Query {
  return new Query({
    method: 'POST',
    target: openaiChat.path,
    headers: ['content-type', 'application/json'],
    body: Buffer.from(JSON.stringify(payload)),
  });
}
