import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, BrowserServer, Page } from 'playwright-core';
import { isBusyReport, newPage, startBrowser } from './browser.ts';
import { startTestStack, type TestStack } from './stack.ts';

const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

/** What a client asks the HTTP API after a failed handshake, to learn whether its token was refused. */
const tokenQuestion = '/sessions?limit=1';

/** A page with the dashboard. */
export interface Opened {
  page: Page;
  /**
   * The requests of the page to the HTTP API: paths with their queries. `tokenQuestion` is left out, because on a busy machine it
   * comes after each handshake that took too long.
   */
  requests: string[];
  /** How many tokens the page asked for. */
  tokens: number;
  /** Errors of the page: console errors and uncaught ones. */
  complaints: string[];
}

export interface Dashboard {
  readonly stack: TestStack;
  readonly browser: Browser;
  /** Opens a view of the dashboard, such as `sessions`. @param prepare runs before the page is loaded. */
  open(view?: string, options?: BrowserContextOptions, prepare?: (page: Page) => Promise<unknown>): Promise<Opened>;
}

/** Starts a stack with the dashboard for the tests of a file. After each test the pages are closed, and none may have reported an error. */
export function useDashboard(settings: Record<string, string> = {}): Dashboard {
  let stack: TestStack;
  let browser: Browser;
  let server: BrowserServer;
  const all: Opened[] = [];

  beforeAll(async () => {
    [stack, { browser, server }] = await Promise.all([startTestStack(settings, { pages: true }), startBrowser()]);
  });
  afterEach(async () => {
    const opened = all.splice(0);
    await Promise.all(opened.map(({ page }) => page.context().close()));
    expect(opened.flatMap(({ complaints }) => complaints).filter((text) => !isBusyReport(text))).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await stack?.close();
  });

  return {
    get stack() {
      return stack;
    },
    get browser() {
      return browser;
    },
    async open(view = '', options = {}, prepare = async () => {}) {
      const page = await newPage(browser, { viewport: { width: 1280, height: 900 }, ...options });
      const opened: Opened = { page, requests: [], tokens: 0, complaints: [] };
      all.push(opened);
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') opened.complaints.push(message.text());
      });
      page.on('pageerror', (error) => opened.complaints.push(String(error)));
      page.on('request', (request) => {
        const { pathname, search } = new URL(request.url());
        if (pathname === '/dev/token') opened.tokens += 1;
        const path = `${pathname}${search}`;
        if (/^\/(service|sessions|analytics)/.test(path) && path !== tokenQuestion) opened.requests.push(path);
      });
      await prepare(page);
      await page.goto(`${stack.http}/dashboard/#/${view}`);
      return opened;
    },
  };
}

/** What axe finds on a page in light and in dark, in a sentence each. */
export async function faultsOf({ page }: Opened): Promise<string[]> {
  await page.evaluate(axeSource);
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    found.push(
      ...violations.map(
        ({ id, impact, help, nodes }) => `${colorScheme}, ${impact}: ${id}, ${help}: ${nodes[0]?.html}`,
      ),
    );
  }
  return found;
}

/** Whether the page needs no scrolling to the side. */
export const fits = ({ page }: Opened): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
