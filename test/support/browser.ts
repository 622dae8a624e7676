import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  type Browser,
  type BrowserContextOptions,
  type BrowserServer,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { scaleLimit, timeLimits } from './time-limits.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** The arguments of Chromium for all tests. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * A browser with a separate process, so that a test can kill it to simulate a power failure.
 *
 * @param more further arguments of Chromium.
 * @param removed arguments that Playwright gives by default, and that Chromium shall not get.
 */
export async function startBrowser(
  more: readonly string[] = [],
  removed: string[] = [],
): Promise<{ browser: Browser; server: BrowserServer }> {
  const timeout = timeLimits.event;
  const args = [...chromiumArguments, ...more];
  const options = { executablePath: chromiumPath(), args, ignoreDefaultArgs: removed, timeout };
  const server = await chromium.launchServer(options);
  return { browser: await chromium.connect(server.wsEndpoint(), { timeout }), server };
}

/** A new page in a context of its own. All waits of the page, and of pages that it opens, have the limit of an event. */
export async function newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(timeLimits.event);
  return context.newPage();
}

/** Another tab with the storage of the first one. Its waits have the same limit. */
export const newTab = (page: Page): Promise<Page> => page.context().newPage();

/** The program of Chromium. @throws Error if there is none. */
export function chromiumPath(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const found = [process.env['CHROMIUM_PATH'], ...candidates].find((path) => path && isProgram(path));
  if (!found) throw new Error('Chromium is missing; run the tests with `npm test`, or set CHROMIUM_PATH.');
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether a message of the console is the browser's own report of an answer with the status 503, because a function or a store was
 * too slow on a busy machine. The page tries again.
 */
export function isBusyReport(text: string): boolean {
  return /(status of|response code:) 503/.test(text);
}

/** A user of the demo page. */
export class Person {
  readonly page: Page;
  /** Errors of the page: console errors and uncaught ones. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  /** Opens an address in a new browser context. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const person = new Person(await newPage(browser, { viewport: { width: 1280, height: 860 }, ...options }));
    await person.page.goto(url);
    return person;
  }

  /** Opens a room on the start page and returns its address. */
  async start(door: 'Plan together' | 'Write together', name: string, invitedOnly = false): Promise<string> {
    await this.page.getByLabel('Your name').fill(name);
    if (invitedOnly) await this.page.getByLabel('Only people whom I invite may join').check();
    await this.page.getByRole('button', { name: door }).click();
    await this.row(name).waitFor();
    return this.page.url();
  }

  /** Enters a name before joining a room. */
  async enter(name: string): Promise<void> {
    await this.page.getByLabel('Your name').fill(name);
    await this.page.getByRole('button', { name: 'Join' }).click();
  }

  /** Creates an invite link. */
  async invite(role: 'Watch' | 'Comment' | 'Edit'): Promise<string> {
    await this.page.getByRole('button', { name: 'Invite' }).click();
    const dialog = this.page.getByRole('dialog', { name: 'Invite people' });
    await dialog.getByLabel('They may').selectOption(role);
    await dialog.getByRole('button', { name: 'Create a link' }).click();
    const link = await dialog.getByLabel('Invite link').inputValue();
    await this.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    return link;
  }

  /** The card of the board with this title. */
  card(title: string): Locator {
    return this.page.locator('[data-card]').filter({ hasText: title });
  }

  /** Moves the pointer over an element; x and y are fractions of its width and height. */
  async point(target: Locator, x: number, y: number): Promise<void> {
    const box = await target.boundingBox();
    if (!box) throw new Error('This element is not on the page.');
    await this.page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  }

  /** The same, until something is true of a page that shows it. */
  async pointUntil(target: Locator, x: number, y: number, isShown: () => Promise<boolean>): Promise<void> {
    await moveUntil((by) => this.point(target, x + by, y), isShown);
  }

  /** The pointer of somebody else. */
  pointerOf(name: string): Locator {
    return this.page.locator('.rollcall-cursors > *').filter({ hasText: name });
  }

  /** A user in the list of people. */
  row(name: string): Locator {
    return this.page.locator('.people .person').filter({ hasText: name });
  }

  /** A line of the feed. */
  feed(text: string): Locator {
    return this.page.locator('.feed li').filter({ hasText: text }).first();
  }

  /** Opens the card of a user. */
  async openCard(name: string): Promise<Locator> {
    await this.row(name).click();
    const dialog = this.page.getByRole('dialog', { name });
    await dialog.waitFor();
    return dialog;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** How long one movement of a mouse is waited for. */
const movementMillis = 2000;

/**
 * Moves a mouse until others are shown where it is. The service posts a cursor once: on a busy machine a post may fail, and then only
 * the next movement shows the cursor.
 *
 * @param move moves the mouse to its place, or beside it by this share of the element's width.
 * @param isShown whether the place is shown.
 */
export async function moveUntil(move: (by: number) => Promise<void>, isShown: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + timeLimits.event;
  for (let isBeside = false; ; isBeside = !isBeside) {
    await move(isBeside ? 0.02 : 0);
    const end = Date.now() + scaleLimit(movementMillis);
    while (Date.now() < end) {
      if (!isBeside && (await isShown())) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (Date.now() > until) throw new Error('A movement of the mouse was not shown.');
  }
}
