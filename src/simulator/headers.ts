import type { Api } from './script.ts';

/** Headers as a flat list, so that their case, order and repetition reach the wire as they stand here. */
export type RawHeaders = readonly string[];

/**
 * What the real APIs send besides the body's own headers, with a header that comes twice and mixed case:
 * a proxy has to pass them as they are.
 */
export function replyHeaders(shape: Api['shape'], replyRequestId: string, processingMs: number): string[] {
  return shape === 'anthropic'
    ? anthropicHeaders(replyRequestId)
    : openaiHeaders(replyRequestId, processingMs);
}

function openaiHeaders(replyRequestId: string, processingMs: number): string[] {
  return [
    'access-control-expose-headers',
    'X-Request-ID',
    'openai-organization',
    'sightline-simulator',
    'openai-processing-ms',
    String(Math.round(processingMs)),
    'openai-version',
    '2020-10-01',
    'x-ratelimit-limit-requests',
    '10000',
    'x-ratelimit-remaining-requests',
    '9999',
    'x-request-id',
    replyRequestId,
    ...edgeHeaders,
  ];
}

function anthropicHeaders(replyRequestId: string): string[] {
  return [
    'anthropic-organization-id',
    'sightline-simulator',
    'anthropic-ratelimit-requests-limit',
    '4000',
    'anthropic-ratelimit-requests-remaining',
    '3999',
    'request-id',
    replyRequestId,
    ...edgeHeaders,
  ];
}

/** Those of the content network that both stand behind. */
const edgeHeaders: RawHeaders = [
  'strict-transport-security',
  'max-age=31536000; includeSubDomains; preload',
  'cf-cache-status',
  'DYNAMIC',
  'set-cookie',
  '__cf_bm=c2lnaHRsaW5l; path=/; HttpOnly; Secure; SameSite=None',
  'set-cookie',
  '_cfuvid=c2ltdWxhdG9y; path=/; HttpOnly; Secure; SameSite=None',
  'X-Content-Type-Options',
  'nosniff',
  'Server',
  'simulator',
  'CF-RAY',
  '8c0ffee5ca1ab1e0-ZRH',
];
