import { pickOne, type Random, wholeBetween } from './chance.ts';

const subjects = [
  'Summarize this ticket for the engineer on call',
  'Write a friendly answer to this customer',
  'Translate the following note into German',
  'Explain why the checkout was slow at noon',
  'Draft release notes from these commits',
  'Which of these invoices look like duplicates',
  'Turn this transcript into action items',
  'Write a SQL query for the weekly active users',
  'Classify the sentiment of this review',
  'Suggest three titles for this article',
] as const;

const details =
  'The customer wrote on Tuesday that the export stopped half-way; the log shows a timeout after the third page, and nothing since.';

/** A person's question. No two are alike, or a model would give the same answer twice. */
export function questionText(random: Random): string {
  const number = wholeBetween(random, 1_000, 999_999);
  const length = pickOne(random, [0, 1, 1, 2, 4, 12]);
  return [`${pickOne(random, subjects)} (ticket ${number}).`, ...Array(length).fill(details)].join(' ');
}

/** What an agent has seen and said so far, sent along with each step. */
export function history(steps: number): string {
  return Array(steps).fill(details).join(' ');
}

/** What a support desk puts before each question: long, always the same, and so found in the model's cache. */
export const handbook = [
  'You answer for the support desk. Be brief, be kind, name the next step.',
  ...Array.from(
    { length: 48 },
    (_, rule) =>
      `Rule ${rule + 1}: before you promise anything, look it up; what is not in the handbook goes to a person, with the ticket, the account and what was tried already.`,
  ),
].join('\n');
