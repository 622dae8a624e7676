import type { Browser, BrowserServer, Page } from 'playwright-core';
import { pagesOf } from '../docs/support.ts';
import { newPage, startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { followGuide, type Guide } from './follow.ts';

/** The README and each guide, followed word by word from an empty folder, end with two browsers that see each other. */

/** The address in the guides: `npm start` without settings. */
const usualAddress = '127.0.0.1:8787';
let stack: TestStack;
let browser: Browser;
let server: BrowserServer;

beforeAll(async () => {
  stack = await startTestStack();
  // The port of the guides may be in use on this machine, so the browser reaches the stack of this test under it.
  ({ browser, server } = await startBrowser([`--host-resolver-rules=MAP ${usualAddress} ${new URL(stack.http).host}`]));
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await stack?.close();
});

interface Visitor {
  page: Page;
  /** Errors and warnings of the page. */
  complaints: string[];
}

async function visit(address: string, name: string): Promise<Visitor> {
  const page = await newPage(browser);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const { url } = message.location();
    // Browsers ask for this file by themselves; an application need not have it.
    if (url.endsWith('/favicon.ico')) return;
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.text()} ${url}`);
  });
  await page.goto(`${address}/?${new URLSearchParams({ name })}`);
  return { page, complaints };
}

/** Two people open the page, see each other's name and pointer, and one of them leaves. */
async function seeEachOther(address: string): Promise<void> {
  const visitors = [await visit(address, 'Ada'), await visit(address, 'Bob')] as const;
  const complaints = () => visitors.flatMap((visitor) => visitor.complaints);
  const [ada, bob] = visitors;
  try {
    await ada.page.getByText('Here with you: Bob').waitFor();
    await bob.page.getByText('Here with you: Ada').waitFor();
    await pointAt(ada.page);
    await bob.page.locator('.rollcall-cursors > *').filter({ hasText: 'Ada' }).waitFor();
    await pointAt(bob.page);
    await ada.page.locator('.rollcall-cursors > *').filter({ hasText: 'Bob' }).waitFor();
    await ada.page.context().close();
    await bob.page.getByText('Nobody else is here.').waitFor();
  } catch (error) {
    throw new Error(`The pages complained: ${complaints().join('\n')}`, { cause: error });
  } finally {
    for (const { page } of visitors) await page.context().close();
  }
  expect(complaints()).toEqual([]);
}

async function pointAt({ mouse }: Page): Promise<void> {
  await mouse.move(200, 300);
  await mouse.move(240, 320, { steps: 5 });
}

const guides: Guide[] = [
  { page: 'README.md', section: 'Your own application in five minutes' },
  ...pagesOf('docs/guides').flatMap((page) => (page.endsWith('README.md') ? [] : [{ page }])),
];

test.each(guides)('[row 41] $page ends with two browsers that see each other', async (guide) => {
  await followGuide(guide, { ROLLCALL_HTTP_URL: stack.http, NEXT_TELEMETRY_DISABLED: '1' }, seeEachOther);
});
