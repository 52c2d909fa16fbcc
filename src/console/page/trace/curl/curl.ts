import { attribute } from '../../../../telemetry/names.ts';
import type { ExchangeFacts } from '../exchange-facts.ts';
import { textOf } from '../span-facts.ts';
import { requestBody } from './request-body.ts';
import { shellQuote } from './shell-quote.ts';

export interface CurlTarget {
  /** Of the data plane. */
  readonly dataUrl: string;
  /** It asks for no key. */
  readonly isSimulator: boolean;
}

/** Where curl finds the key: in the shell of whoever runs it, never here. */
const keys: Readonly<Record<string, readonly string[]>> = {
  'anthropic.messages': ['-H "x-api-key: $ANTHROPIC_API_KEY"', "-H 'anthropic-version: 2023-06-01'"],
};
const bearer = ['-H "authorization: Bearer $OPENAI_API_KEY"'];

/** Methods that curl uses by itself: without a body, and with one. */
const ownMethods = { bare: 'GET', withBody: 'POST' } as const;

/**
 * A command that sends a query like that of the exchange to Sightline again. Undefined where curl cannot: what was said
 * on a WebSocket, and what is not known.
 */
export function curlOf(exchange: ExchangeFacts, { dataUrl, isSimulator }: CurlTarget): string | undefined {
  const { kind, method, path, dialect, attempts, span } = exchange;
  const isOnSocket = span && textOf(span, attribute.networkProtocolName) === 'websocket';
  if (kind !== 'request' || isOnSocket || method === undefined || !path?.startsWith('/')) return undefined;
  const first = attempts[0] ?? span;
  const body = first && method === 'POST' ? requestBody(first, dialect) : undefined;
  const own = body ? ownMethods.withBody : ownMethods.bare;
  return [
    `curl ${shellQuote(dataUrl + path)}`,
    // curl has meanings of its own for brackets and for dots.
    ...(/[[\]{}]/.test(path) ? ['--globoff'] : []),
    ...(/\/\./.test(path) ? ['--path-as-is'] : []),
    ...(method === own ? [] : [method === 'HEAD' ? '--head' : `-X ${shellQuote(method)}`]),
    ...(body?.stream === true ? ['--no-buffer'] : []),
    ...(isSimulator ? [] : (keys[dialect ?? ''] ?? bearer)),
    ...(body
      ? ["-H 'content-type: application/json'", `--data-raw ${shellQuote(JSON.stringify(body))}`]
      : []),
  ].join(' \\\n  ');
}
