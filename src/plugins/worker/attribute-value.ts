import type { AttributeValue } from '@opentelemetry/api';

/**
 * Can it be the value of an attribute? Readers of telemetry pass over everything else; sent to the service, a
 * function among it would end the thread.
 */
export function isAttributeValue(value: unknown): value is AttributeValue | undefined {
  return Array.isArray(value) ? value.every(isPrimitive) : isPrimitive(value);
}

function isPrimitive(value: unknown): boolean {
  return (
    value == null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  );
}
