import { z } from 'zod';
import type { BuiltinMiddleware } from './builtin-middleware.ts';

const tagName = z.string().regex(/^[a-z][a-z0-9_.]{0,63}$/, 'expected a tag name of a–z, 0–9, _ and .');

const headerName = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'expected the name of a request header');

const optionsSchema = z.strictObject({
  /** Tag → the request header that carries it. */
  tags: z.record(
    tagName,
    z.preprocess(
      (value) => (typeof value === 'string' ? { header: value } : value),
      z.strictObject({
        header: headerName,
        /** Also a label of the duration and token metrics. */
        label: z.boolean().default(false),
      }),
    ),
    'expected tags of a–z, 0–9, _ and ., each with the name of a request header',
  ),
});

/** A value is for people and for telling apart, not for storing things. */
const valueCharsMax = 128;

/** Fields that carry secrets must not become telemetry, whatever the configuration says. */
const secretHeader =
  /^(?:(?:proxy-)?authorization|cookie|.*(?:api-?key|subscription-key|(?:auth|access|security)-token|secret|password).*)$/;

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
    const secret = rows.find((row) => secretHeader.test(row.header));
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
