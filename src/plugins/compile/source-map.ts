import { SourceMap, type SourceMapPayload } from 'node:module';
import { resolve } from 'node:path';
import type { OriginOf } from './rewrite.ts';

/** esbuild's source map, with absolute paths: it writes relative ones, escaped as in URLs. */
export function readSourceMap(json: string, folder: string): SourceMapPayload {
  const map = JSON.parse(json) as SourceMapPayload;
  return { ...map, sources: map.sources.map((source) => resolve(folder, decodeURIComponent(source))) };
}

/** The same map for code that has so many lines more at its head. */
export function shiftLines(map: SourceMapPayload, lines: number): string {
  return JSON.stringify({ ...map, mappings: ';'.repeat(lines) + map.mappings });
}

/** Which file a place of the bundle comes from. The map is parsed only where that is a question. */
export function originsOf(map: SourceMapPayload, entry: string): OriginOf {
  if (map.sources.length < 2) return () => entry;
  let parsed: SourceMap | undefined;
  return (line, column) => {
    parsed ??= new SourceMap(map);
    const found = parsed.findEntry(line - 1, column);
    const isOnLine = 'originalSource' in found && found.generatedLine === line - 1;
    return (isOnLine && found.originalSource) || entry;
  };
}
