import { attribute } from '../names.ts';
import type { Sparse } from '../spans/span-attributes.ts';

/** Names of models are shorter. */
const modelCharsMax = 80;
/** The record has all of it. */
const errorCharsMax = 200;

/**
 * What became of an exchange, in a line for people: `POST /v1/chat/completions gpt-4o -> completed 200, 96 tokens, 1.7 s`.
 * Programs have the attributes. All of it is ASCII where names are: a batch of lines with other characters costs twice
 * as much to write.
 */
export function recordInWords(record: Sparse): string {
  const status = record[attribute.httpResponseStatusCode];
  const attempts = Number(record[attribute.attempt] ?? 1);
  return (
    `${subject(record)} -> ${record[attribute.outcome]}${status === undefined ? '' : ` ${status}`}` +
    `${attempts > 1 ? `, ${attempts} attempts` : ''}${work(record)}` +
    `, ${lasting(Number(record[attribute.duration]))}${why(record)}`
  );
}

function subject(record: Sparse): string {
  const route = record[attribute.httpRoute];
  if (isSession(record)) return `websocket ${route}`;
  const asked = record[attribute.genAiRequestModel];
  const model = asked === undefined ? '' : ` ${String(asked).slice(0, modelCharsMax)}`;
  const turn = record[attribute.sessionTurn];
  if (turn !== undefined) return `turn ${turn} of ${route}${model}`;
  return `${record[attribute.httpRequestMethod]} ${route}${model}`;
}

function isSession(record: Sparse): boolean {
  return record[attribute.sessionProtocol] !== undefined;
}

function work(record: Sparse): string {
  if (!isSession(record))
    return tokens(record[attribute.genAiUsageInputTokens], record[attribute.genAiUsageOutputTokens]);
  const turns = record[attribute.sessionTurns];
  if (turns === undefined) return '';
  const sum = tokens(record[attribute.sessionInputTokens], record[attribute.sessionOutputTokens]);
  return `, ${turns} ${turns === 1 ? 'turn' : 'turns'}${sum}`;
}

function tokens(input: Sparse[string], output: Sparse[string]): string {
  if (input === undefined && output === undefined) return '';
  // An embedding has no others, and of a reply that broke off they are not known.
  if (output === undefined) return `, ${input} tokens in`;
  return `, ${Number(input ?? 0) + Number(output ?? 0)} tokens`;
}

function lasting(seconds: number): string {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1_000))} ms`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

function why(record: Sparse): string {
  const type = record[attribute.errorType];
  const status = String(record[attribute.httpResponseStatusCode]);
  const told = record[attribute.exceptionMessage] ?? (type === status ? undefined : type);
  return told === undefined ? '' : `: ${String(told).slice(0, errorCharsMax)}`;
}
