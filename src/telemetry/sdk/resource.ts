import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { scope } from '../names.ts';

/**
 * Who tells all this: as the standard variables have it. Of what they leave open, the name is `sightline`, and
 * the version ours, whatever the service is called.
 */
export function createResource(): Resource {
  const ours = resourceFromAttributes({ 'service.name': 'sightline', 'service.version': scope.version });
  const detected = detectResources({
    detectors: [serviceInstanceIdDetector, processDetector, hostDetector, envDetector],
  });
  return defaultResource().merge(ours).merge(detected);
}
