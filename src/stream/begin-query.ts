import { asSightlineError, SightlineError } from '../errors.ts';
import { Exchange } from '../exchange/exchange.ts';
import { Query } from '../exchange/query.ts';
import { requestId } from '../exchange/request-id.ts';
import { checkTarget, originForm } from '../exchange/request-target.ts';
import type { Flow } from '../flow/flow.ts';
import type { Limits } from '../limits.ts';
import { findPlace, routeOf, targetBelow, unknownRoute } from '../upstreams/routes.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { endToEndHeaders, headerValue, type RawHeaders, withoutHeaders } from '../wire/headers.ts';
import type { MessageHeaders, QueryMessage } from './protocol.ts';

/**
 * What a handshake says of itself: the rest of its headers (authorization, tenant, cookies) is said of the client,
 * and goes with each of its queries.
 */
const ofHandshake: ReadonlySet<string> = new Set([
  'host',
  'origin',
  'accept-encoding',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'pragma',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'traceparent',
  'tracestate',
  'x-request-id',
]);

/** The headers of the upgrade that each query has, unless it has one of that name itself. */
export function inheritedHeaders(upgrade: RawHeaders): RawHeaders {
  return endToEndHeaders(upgrade, ofHandshake);
}

export interface QueryScene {
  readonly session: Exchange;
  readonly inherited: RawHeaders;
  readonly upstreams: readonly Upstream[];
  readonly limits: Limits;
}

/** The exchange of a query, as a request of the same method, path and headers would have it. */
export function exchangeOf(
  message: QueryMessage,
  { session, inherited, upstreams, limits }: QueryScene,
): Exchange {
  const { target, path } = originForm(message.path);
  const headers = headersOf(message, inherited);
  const { id, isClients } = requestId(headerValue(headers, 'x-request-id'));
  const { httpVersion } = session.request;
  const head = { method: message.method, target, path, headers, httpVersion };
  const route = routeOf(message.method, path, findPlace(upstreams, path));
  return new Exchange(id, isClients, head, route, limits, { kind: 'request', session });
}

/** Sends the query on its way; what is wrong with it is an error of its exchange. */
export function runQuery(flow: Flow, message: QueryMessage, { upstreams, limits }: QueryScene): void {
  const { exchange } = flow;
  const { method, target, path, headers } = exchange.request;
  try {
    checkTarget(path);
    const trailers = rawHeaders(message.trailers);
    if (target.length + bytesOf(headers) + bytesOf(trailers) > limits.requestHeadersBytesMax)
      throw new SightlineError('headers_too_large');
    const place = findPlace(upstreams, path);
    if (!place) throw unknownRoute(path, upstreams);
    const body = bodyOf(message);
    const bytesMax = exchange.route.dialect ? limits.queryBytesMax : limits.bodyBytesMax;
    if (body && body.length > bytesMax) throw tooLarge(bytesMax);
    exchange.requestBytes = body?.length ?? 0;
    const query = new Query({
      method,
      target: targetBelow(target, place),
      headers,
      body,
      trailers: () => trailers,
    });
    flow.run(query, place.upstream);
  } catch (thrown) {
    flow.fail(asSightlineError(thrown));
  }
}

function headersOf(
  { headers, body, traceparent, tracestate }: QueryMessage,
  inherited: RawHeaders,
): string[] {
  const own = rawHeaders(headers);
  if (body && headerValue(own, 'content-type') === undefined) own.push('content-type', 'application/json');
  const trace = rawHeaders({ ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) });
  return over(over(inherited, own), trace);
}

/** The headers with others in the place of those of the same names. */
function over(headers: RawHeaders, others: RawHeaders): string[] {
  if (others.length === 0) return [...headers];
  const names = new Set<string>();
  for (let i = 0; i < others.length; i += 2) names.add((others[i] as string).toLowerCase());
  return [...withoutHeaders(headers, names), ...others];
}

function rawHeaders(headers: MessageHeaders = {}): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [name, value] : value.flatMap((one) => [name, one]),
  );
}

/** As HTTP writes them: `: ` and a line's end with each. */
function bytesOf(headers: RawHeaders): number {
  return headers.reduce((sum, text) => sum + text.length + 2, 0);
}

function bodyOf({ body, text, base64 }: QueryMessage): Buffer | undefined {
  if (text !== undefined) return Buffer.from(text);
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (body === undefined) return undefined;
  try {
    return Buffer.from(JSON.stringify(body));
  } catch (cause) {
    // Parsing takes any depth, writing does not.
    throw new SightlineError('malformed_json', { message: 'The body is nested too deeply.', cause });
  }
}

function tooLarge(bytesMax: number): SightlineError {
  return new SightlineError('body_too_large', {
    message: `The request body is larger than the limit of ${bytesMax} bytes.`,
  });
}
