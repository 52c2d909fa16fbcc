import { relative, resolve } from 'node:path';
import type { EventData } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { inspect, stripVTControlCharacters } from 'node:util';

/*
 * A reporter for `node --test`: silent about what passes but for a dot per file; each failure in full, as
 * soon as it is known; skipped tests at the end, with their reasons; then one closing line.
 */

/** Nothing at all for so long: some file will never end, and waiting longer only hides which. */
const stallMs = Number(process.env.REPORTER_STALL_MS ?? 180_000);

/** Of what a file printed, kept for the case that it breaks outside its tests. */
const outputCharsMax = 16_384;

export default async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const report = new Report();
  // The runner answers SIGINT with a last event that names what still runs.
  const watchdog = setTimeout(() => process.kill(process.pid, 'SIGINT'), stallMs);
  for await (const event of source) {
    watchdog.refresh();
    const text = report.take(event);
    if (text) yield text;
    // The runner ends itself after this one, and the files with it: it must be let, or they live on.
    if (event.type === 'test:interrupted') yield report.closing();
  }
  clearTimeout(watchdog);
  yield report.closing();
  if (!report.succeeded) process.exitCode = 1;
}

type Result = EventData.TestPass | EventData.TestFail;

class Report {
  #passed = 0;
  #failed = 0;
  readonly #skipped: string[] = [];
  /** The names above the test that is being told of, and whether each has tests of its own inside. */
  readonly #path: { name: string; isParent: boolean }[] = [];
  /** What each file printed and the runner remarked. */
  readonly #outputs = new Map<string, string>();
  /** Tests under way, for an interruption. */
  readonly #open = new Map<string, string>();
  #dots = 0;

  get succeeded(): boolean {
    return this.#failed === 0 && this.#passed > 0;
  }

  /** The text to print, if any. */
  take({ type, data }: TestEvent): string | undefined {
    switch (type) {
      case 'test:start':
        this.#start(data);
        return undefined;
      case 'test:pass':
        return this.#pass(data);
      case 'test:fail':
        return this.#fail(data);
      case 'test:dequeue':
        this.#open.set(identity(data), data.name);
        return undefined;
      case 'test:complete':
        this.#open.delete(identity(data));
        return undefined;
      case 'test:stdout':
      case 'test:stderr':
      case 'test:diagnostic':
        this.#print(data.file ?? '', type === 'test:diagnostic' ? `${data.message}\n` : data.message);
        return undefined;
      case 'test:summary':
        return data.file === undefined ? undefined : this.#dot();
      case 'test:interrupted':
        return data.tests.map((test) => this.#interrupted(test)).join('');
      default:
        return undefined;
    }
  }

  closing(): string {
    const lines = this.#dots > 0 ? ['', ''] : [''];
    if (this.#skipped.length > 0) lines.push('SKIPPED, and so not tested:', ...this.#skipped, '');
    if (this.#passed + this.#failed === 0) lines.push('NO TEST WAS RUN', '');
    const skipped = this.#skipped.length > 0 ? `, ${this.#skipped.length} skipped` : '';
    lines.push(`${this.#passed} passed, ${this.#failed} failed${skipped}`, '');
    return lines.join('\n');
  }

  #start({ name, nesting }: EventData.TestStart): void {
    this.#path.length = nesting;
    this.#path.push({ name, isParent: false });
    const parent = this.#path[nesting - 1];
    if (parent) parent.isParent = true;
  }

  #pass(result: EventData.TestPass): string | undefined {
    if (result.skip !== undefined || result.todo !== undefined) {
      this.#skip(result);
    } else if (isFile(result)) {
      return this.#failure(result, 'This file holds no test.');
    } else if (!this.#isGroup(result)) {
      this.#passed++;
    }
    return undefined;
  }

  #fail(result: EventData.TestFail): string | undefined {
    const error = result.details.error as FailedError;
    // A todo may fail; a group that failed by its members has been told of.
    if (result.todo !== undefined) this.#skip(result);
    else if (error.failureType !== 'subtestsFailed') return this.#failure(result, describeError(error));
    return undefined;
  }

  #failure(result: Result, what: string): string {
    this.#failed++;
    this.#dots = 0;
    const output = isFile(result) ? (this.#outputs.get(resolve(result.file ?? '')) ?? '') : '';
    const printed = output && `\n\n${indent(`What it printed:\n${output.trimEnd()}`)}`;
    return `\n✖ ${this.#name(result)}\n  ${place(result)}\n\n${indent(what)}${printed}\n`;
  }

  #interrupted(file: EventData.TestStart): string {
    this.#failed++;
    this.#dots = 0;
    const open = [...this.#open.values()].filter((name) => name !== file.name);
    const what =
      open.length > 0
        ? `Interrupted while these ran:\n${open.map((name) => `- ${name}`).join('\n')}`
        : 'Interrupted: its tests have ended, and something keeps it alive (a timer, a socket, a process).';
    return `\n✖ ${file.name}\n\n${indent(what)}\n`;
  }

  #skip(result: Result): void {
    const [word, reason] = result.skip === undefined ? ['todo', result.todo] : ['skipped', result.skip];
    const why = typeof reason === 'string' && reason ? reason : 'no reason given';
    this.#skipped.push(`- ${this.#name(result)} (${word}: ${why}; ${place(result)})`);
  }

  #name({ name, nesting }: Result): string {
    return [...this.#path.slice(0, nesting).map((part) => part.name), name].join(' › ');
  }

  #isGroup({ details, nesting }: Result): boolean {
    return details.type === 'suite' || this.#path[nesting]?.isParent === true;
  }

  #print(file: string, text: string): void {
    // Output names its file as the command line did, results by the whole path.
    const key = resolve(file);
    this.#outputs.set(key, `${this.#outputs.get(key) ?? ''}${text}`.slice(-outputCharsMax));
  }

  #dot(): string {
    this.#dots++;
    return '.';
  }
}

/** The runner reports a file like a test, where it breaks outside its tests or has none. */
function isFile({ name, nesting, file, line, column }: Result): boolean {
  return nesting === 0 && line === 1 && column === 1 && file?.endsWith(name.replace(/^\.\//, '')) === true;
}

function identity({
  file,
  line,
  column,
  name,
  nesting,
}: EventData.TestDequeue | EventData.TestComplete): string {
  return JSON.stringify([file, line, column, name, nesting]);
}

function place({ file, line, column }: Result): string {
  return file === undefined ? '' : `${relative(process.cwd(), file)}:${line}:${column}`;
}

interface FailedError extends Error {
  failureType?: string;
  /** Of a file's process, where it did not end by itself, or not well. */
  exitCode?: number | null;
  signal?: NodeJS.Signals | null;
}

/** Message, difference and stack of what the test threw, without the frames of Node itself. */
function describeError(wrapper: FailedError): string {
  if (wrapper.signal) return `Its process was ended by ${wrapper.signal}.`;
  if (wrapper.exitCode) return `Its process ended with exit code ${wrapper.exitCode}.`;
  const thrown = wrapper.cause ?? wrapper.message;
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? thrown : inspect(thrown);
  const shown = isAssertion(thrown) ? describeAssertion(thrown) : inspect(thrown, { depth: 4 });
  const lines = stripVTControlCharacters(shown).split('\n');
  return lines.filter((line) => !/^\s+at (.*\bnode:|async Promise\.all )/.test(line)).join('\n');
}

interface Assertion extends Error {
  generatedMessage: boolean;
  actual: unknown;
  expected: unknown;
}

function isAssertion(error: Error): error is Assertion {
  return 'generatedMessage' in error;
}

/** A message of the test's own hides the values; the generated one shows them already. */
function describeAssertion(error: Assertion): string {
  const stack = error.stack ?? error.message;
  if (error.generatedMessage) return stack;
  return `${stack}\n\nactual: ${inspect(error.actual)}\nexpected: ${inspect(error.expected)}`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
