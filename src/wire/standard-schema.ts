import type { StandardSchemaV1 } from '@standard-schema/spec';

/** zod, valibot, arktype, or written by hand: https://standardschema.dev */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // Schemas are objects, and functions with some libraries.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard: unknown = (value as { readonly '~standard'?: unknown })['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}

/** Where it is wrong: `options.to`, `items.0.name`; empty where it is the whole value. */
export function issuePath({ path = [] }: StandardSchemaV1.Issue): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
