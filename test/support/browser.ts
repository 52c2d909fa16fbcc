import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Browser as Engine, type Page } from 'playwright-core';
import { missing } from './is-installed.ts';

/** For `skip`: false where Chromium is installed, else what was not tested. */
export const hasNoBrowser = missing(['chromium'], 'the console in a real browser');

const switches = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  // Whatever it might ask for by itself, or for a page: no name leads anywhere.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'light' | 'dark';
  /** Parts of console messages that this test provokes. */
  readonly expected?: readonly RegExp[];
}

/** Debian's Chromium, headless, with nothing of an earlier run. Use `await using`. */
export class Browser implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #pages: WatchedPage[] = [];

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static async open(): Promise<Browser> {
    return new Browser(await chromium.launch({ executablePath: '/usr/bin/chromium', args: switches }));
  }

  /** A page of its own (no cookies, no storage), at this address. */
  async page(url: string, options: PageOptions = {}): Promise<WatchedPage> {
    const { width = 1280, height = 800, theme = 'light' } = options;
    const context = await this.#engine.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const watched = new WatchedPage(await context.newPage(), context, new URL(url).origin, options);
    this.#pages.push(watched);
    await watched.page.goto(url);
    return watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }
}

/** One violation of axe-core's rules that makes a page hard to use for somebody. */
interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** A page with what went wrong in it: errors on its console, exceptions, requests that leave its own origin. */
export class WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly #problems: string[] = [];
  readonly #expected: readonly RegExp[];

  constructor(page: Page, context: BrowserContext, origin: string, { expected = [] }: PageOptions) {
    this.page = page;
    this.context = context;
    this.#expected = expected;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.#note(message.text());
    });
    page.on('pageerror', (error) => this.#note(`exception: ${error.stack ?? error.message}`));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin && url.protocol !== 'data:' && url.protocol !== 'blob:')
        this.#note(`a request to another address: ${url}`);
    });
    page.on('dialog', (dialog) => {
      this.#note(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  #note(problem: string): void {
    if (!this.#expected.some((pattern) => pattern.test(problem))) this.#problems.push(problem);
  }

  /** Nothing has gone wrong so far. */
  assertClean(): void {
    assert.deepEqual(this.#problems, []);
  }

  /** Nobody is shut out: axe-core finds nothing serious or critical. */
  async assertAccessible(): Promise<void> {
    // Not as a script of the page, which its policy would refuse.
    await this.page.evaluate(await axeSource());
    const { violations } = await this.page.evaluate<{ violations: Violation[] }>(
      "axe.run(document, { resultTypes: ['violations'] })",
    );
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(
      serious.map(({ id, help, nodes }) => ({
        id,
        help,
        nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary ?? ''}`),
      })),
      [],
    );
  }

  /** Nothing sticks out to the side, as a page does that has to be scrolled to be read. */
  async assertFits(): Promise<void> {
    const [content, view] = await this.page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    assert.ok(content <= view, `the page is ${content} px wide, ${view} px can be seen`);
  }
}

let source: Promise<string> | undefined;

function axeSource(): Promise<string> {
  source ??= readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
  return source;
}
