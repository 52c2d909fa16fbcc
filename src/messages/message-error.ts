import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SightlineError } from '../errors.ts';
import { DeadlineError } from '../exchange/deadline.ts';
import { framesIn } from '../exchange/owner.ts';
import { culpritOf } from '../middleware/middleware-error.ts';
import { issuePath } from '../wire/standard-schema.ts';
import type { MessageEntry, MessageResult } from './protocol-extension.ts';

/** Of many problems with one message, so many are told. */
const problemsMax = 3;
/** Characters of a field or a reason: both may quote the message. */
const charsMax = 200;

/** What the code of a message type threw, as an error that names it. Its own refusals stay what they are. */
export function messageError(entry: MessageEntry, thrown: unknown, timeoutMs: number): SightlineError {
  if (thrown instanceof SightlineError && thrown.culprit !== undefined) return thrown;
  const { owner } = entry;
  const culprit = culpritOfType(entry);
  if (thrown instanceof SightlineError) {
    const { code, message, outcome } = thrown;
    // Refusals come often, and where they were thrown is told nowhere.
    const frames = outcome === 'failed' ? framesIn(owner, thrown) : undefined;
    return new SightlineError(code, { message, culprit, cause: thrown, frames });
  }
  const isLate = thrown instanceof DeadlineError;
  return new SightlineError('message_failed', {
    message: `${nameOf(entry)} ${isLate ? `gave no answer within ${timeoutMs} ms` : 'failed'}.`,
    culprit,
    cause: thrown,
    frames: isLate ? undefined : framesIn(owner, thrown),
  });
}

/** A message type that may not be called. */
export function typeOutOfOrder(entry: MessageEntry): SightlineError {
  return new SightlineError('breaker_open', {
    message: `${nameOf(entry)} is out of order after repeated failures.`,
    culprit: culpritOfType(entry),
  });
}

/** What is wrong with a message; without a field where it is the whole of it. */
export interface Wrong {
  readonly field: string | undefined;
  readonly reason: string;
}

export type MessageRefusal = Extract<MessageResult, { kind: 'refused' }>;

/** The first problem tells field and reason; the text tells of a few. */
export function invalidMessage(type: string, problems: readonly Wrong[]): MessageRefusal {
  const told = problems.slice(0, problemsMax).map(({ field, reason }) => {
    return field ? `${shortened(field)}: ${shortened(reason)}` : shortened(reason);
  });
  if (problems.length > problemsMax) told.push(`and ${problems.length - problemsMax} more`);
  const [first] = problems;
  return {
    kind: 'refused',
    error: new SightlineError('message_invalid', {
      message: `The message '${type}' is not as its type wants it${told.length > 0 ? `: ${told.join('; ')}` : ''}.`,
    }),
    field: first?.field && shortened(first.field),
    reason: first && shortened(first.reason),
  };
}

export function wrongIn(issue: StandardSchemaV1.Issue): Wrong {
  return { field: issuePath(issue) || undefined, reason: String(issue.message) };
}

function shortened(text: string): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

function nameOf({ messageType: { type }, owner }: MessageEntry): string {
  return `Message type '${type}'${owner ? ` of ${owner.name}@${owner.version}` : ''}`;
}

function culpritOfType({ messageType: { type }, owner }: MessageEntry): string {
  return culpritOf({ name: type, owner });
}
