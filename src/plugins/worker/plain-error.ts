import { type ErrorCode, errorTable, SightlineError } from '../../errors.ts';
import { PluginProblem, type ProblemStep, type SourcePlace } from '../problem.ts';

/** An error as it crosses between threads: structured cloning loses classes, codes and causes. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  /** In lines of the TypeScript source, where it came out of the plugin. */
  readonly frames: string;
  /** Of a `SightlineError`. */
  readonly code: ErrorCode | undefined;
  readonly culprit: string | undefined;
  readonly cause: PlainError | undefined;
}

export interface PlainProblem {
  readonly step: ProblemStep;
  readonly message: string;
  readonly place: SourcePlace | undefined;
  readonly cause: PlainError | undefined;
}

/** Causes of causes beyond this tell nobody anything, and could go round in a circle. */
const causesMax = 4;

/** Classes that readers of errors ask for: the log does not quote what a `SyntaxError` says. */
const nativeErrors = { SyntaxError, TypeError, RangeError, ReferenceError, URIError, EvalError } as const;

/** Anything that was thrown. Never throws itself, whatever that is. */
export function plainError(thrown: unknown, framesOf: (error: Error) => string = ownFrames): PlainError {
  return read(thrown, framesOf, 0);
}

/** The error on the other side: of the same class where that matters, with the stack that it had. */
export function revivedError(plain: PlainError): Error {
  const cause = plain.cause && revivedError(plain.cause);
  const error = withoutStack(plain, cause);
  const frames = plain.frames === '' ? '' : `\n${plain.frames}`;
  Object.defineProperty(error, 'stack', {
    value: `${plain.name}: ${plain.message}${frames}`,
    writable: true,
    configurable: true,
  });
  return error;
}

export function plainProblem(
  { step, message, place, cause }: PluginProblem,
  framesOf?: (error: Error) => string,
): PlainProblem {
  return { step, message, place, cause: cause === undefined ? undefined : plainError(cause, framesOf) };
}

export function revivedProblem({ step, message, place, cause }: PlainProblem): PluginProblem {
  return new PluginProblem(step, message, place, cause && revivedError(cause));
}

const nothingKnown = { name: 'Error', frames: '', code: undefined, culprit: undefined, cause: undefined };

function read(thrown: unknown, framesOf: (error: Error) => string, depth: number): PlainError {
  try {
    if (!(thrown instanceof Error)) return { ...nothingKnown, message: textOf(thrown) };
    const isOurs = thrown instanceof SightlineError;
    const hasCause = thrown.cause !== undefined && depth < causesMax;
    return {
      name: String(thrown.name),
      message: String(thrown.message),
      frames: atLines(framesOf(thrown)),
      code: isOurs ? thrown.code : undefined,
      culprit: isOurs ? thrown.culprit : undefined,
      cause: hasCause ? read(thrown.cause, framesOf, depth + 1) : undefined,
    };
  } catch {
    return { ...nothingKnown, message: 'an error was thrown that cannot be read' };
  }
}

function withoutStack({ name, message, code, culprit }: PlainError, cause: Error | undefined): Error {
  const options = cause && { cause };
  if (code !== undefined && Object.hasOwn(errorTable, code)) {
    return new SightlineError(code, { message, ...(culprit !== undefined && { culprit }), ...options });
  }
  if (Object.hasOwn(nativeErrors, name)) {
    return new nativeErrors[name as keyof typeof nativeErrors](message, options);
  }
  const error = new Error(message, options);
  // As classes do it, so that it is not printed among the fields.
  Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
  return error;
}

function ownFrames(error: Error): string {
  return error.stack ?? '';
}

/** The frames of a stack, without the message at its head. */
export function atLines(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}

function textOf(thrown: unknown): string {
  const isObject = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function';
  return isObject ? 'something was thrown that is no Error' : String(thrown);
}
