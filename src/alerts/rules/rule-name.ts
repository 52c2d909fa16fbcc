/** What the rule of a threshold is called in Prometheus: `SightlineErrorRatio` of `error-ratio`. */
export function ruleName(id: string): string {
  const words = id.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `Sightline${words.join('')}`;
}
