import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, BrowserServer } from 'playwright-core';
import type { LocalStackOptions } from '../../local/stack.ts';
import { isBusyReport, Person, startBrowser } from './browser.ts';
import { startTestStack, type TestStack } from './stack.ts';

const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

/** The demo on a stack of its own, for all tests of a file. */
export interface Demo {
  readonly stack: TestStack;
  readonly browser: Browser;
  /** Opens an address of the demo in a new browser context; the start page where none is given. */
  open(url?: string, options?: BrowserContextOptions): Promise<Person>;
  /** Opens a room as its owner. */
  host(door: 'Plan together' | 'Write together', name: string, options?: BrowserContextOptions): Promise<Person>;
  /** Enters a room by its link, and waits until the person is in. */
  join(link: string, name: string, options?: BrowserContextOptions): Promise<Person>;
}

/**
 * Starts the demo before the tests of a file and ends it after them. After each test every page is closed, no page may
 * have reported an error, and the faults of the stack are off.
 *
 * @param removed arguments of Playwright that Chromium shall not get.
 */
export function useDemo(
  settings: Record<string, string> = {},
  options: Partial<LocalStackOptions> = {},
  removed: string[] = [],
): Demo {
  let stack: TestStack;
  let browser: Browser;
  let server: BrowserServer;
  const people: Person[] = [];

  beforeAll(async () => {
    [stack, { browser, server }] = await Promise.all([
      startTestStack(settings, { ...options, pages: true }),
      startBrowser([], removed),
    ]);
  });
  afterEach(async () => {
    stack.faults.set({});
    const complaints = people.flatMap((person) => person.complaints);
    await Promise.all(people.splice(0).map((person) => person.close()));
    expect(complaints.filter((text) => !isBusyReport(text))).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await stack?.close();
  });

  const demo: Demo = {
    get stack() {
      return stack;
    },
    get browser() {
      return browser;
    },
    async open(url = stack.http, contextOptions = {}) {
      const person = await Person.open(browser, url, contextOptions);
      people.push(person);
      return person;
    },
    async host(door, name, contextOptions = {}) {
      const permissions = ['clipboard-read', 'clipboard-write'];
      const person = await demo.open(stack.http, { permissions, ...contextOptions });
      await person.start(door, name);
      return person;
    },
    async join(link, name, contextOptions = {}) {
      const person = await demo.open(link, contextOptions);
      await person.enter(name);
      await person.row(`${name} (you)`).waitFor();
      return person;
    },
  };
  return demo;
}

/** What axe finds on a page in light and in dark, in a sentence each. */
export async function faultsOf({ page }: Person): Promise<string[]> {
  await page.evaluate(axeSource);
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    found.push(...violations.map(({ id, impact, help }) => `${colorScheme}, ${impact}: ${id}, ${help}`));
  }
  return found;
}
