import { lineKey } from '../names.ts';
import type { Sparse } from '../spans/span-attributes.ts';
import { recordInWords } from './record-words.ts';

/** The record of an exchange as a line of JSON. Completes the record, which is nobody else's then. */
export function exchangeLine(record: Sparse): string {
  record[lineKey.time] = isoTime(Number(record[lineKey.time]));
  record[lineKey.message] = recordInWords(record);
  return `${JSON.stringify(record)}\n`;
}

let second = Number.NaN;
let prefix = '';

/** As `toISOString`, whose share of a line would be a fifth: most lines are of the same second as the one before. */
function isoTime(epochMs: number): string {
  const ms = Math.floor(epochMs);
  const now = Math.floor(ms / 1_000);
  if (now !== second) {
    second = now;
    prefix = new Date(now * 1_000).toISOString().slice(0, -4);
  }
  return `${prefix}${String(ms - now * 1_000).padStart(3, '0')}Z`;
}
