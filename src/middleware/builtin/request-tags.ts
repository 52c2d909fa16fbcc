import { z } from 'zod';
import type { BuiltinMiddleware } from './index.ts';

const tagName = z.string().regex(/^[a-z][a-z0-9_.]{0,63}$/, 'expected a tag name of a–z, 0–9, _ and .');

const optionsSchema = z.strictObject({
  /** Tag → the request header that carries it. */
  tags: z.record(
    tagName,
    z.union([
      z.string().transform((header) => ({ header, label: false })),
      z.strictObject({
        header: z.string(),
        /** Also a label of the duration and token metrics. */
        label: z.boolean().default(false),
      }),
    ]),
  ),
});

/** A value is for people and for telling apart, not for storing things. */
const valueCharsMax = 128;

/** Fields that carry secrets must not become telemetry, whatever the configuration says. */
const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key']);

/** Request headers become attributes of the exchange's span and, where asked for, labels of its metrics. */
export const requestTags: BuiltinMiddleware = {
  name: 'request-tags',
  summary: 'Request headers become span attributes (`sightline.tag.*`) and bounded metric labels.',
  create(options) {
    const { tags } = optionsSchema.parse(options ?? {});
    const rows = Object.entries(tags).map(([tag, { header, label }]) => ({
      tag,
      header: header.toLowerCase(),
      label,
    }));
    const secret = rows.find((row) => secretHeaders.has(row.header));
    if (secret) {
      throw new Error(`'${secret.header}' carries secrets and cannot be the tag '${secret.tag}'.`);
    }
    return {
      name: requestTags.name,
      beforeQuery(_query, exchange) {
        for (const { tag, header, label } of rows) {
          const value = exchange.header(header)?.slice(0, valueCharsMax);
          if (value === undefined) continue;
          exchange.setAttribute(tag, value);
          if (label) exchange.setLabel(tag, value);
        }
      },
    };
  },
};
