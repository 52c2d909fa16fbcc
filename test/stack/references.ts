/** Names that lead nowhere, and things that nobody names. */
export function referenceProblems(
  kind: string,
  used: readonly string[],
  declared: readonly string[],
): string[] {
  return [
    ...missingFrom(declared, used).map((name) => `${kind}: '${name}' is used and not declared`),
    ...missingFrom(used, declared).map((name) => `${kind}: '${name}' is declared and not used`),
  ];
}

function missingFrom(list: readonly string[], names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => !list.includes(name));
}
