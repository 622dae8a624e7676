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
import { timeLimits } from './time-limits.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const arguments_ = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a separate process, so that a test can kill it to simulate a power failure. */
export async function startBrowser(): Promise<{ browser: Browser; server: BrowserServer }> {
  const server = await chromium.launchServer({ executablePath: chromiumPath(), args: arguments_ });
  return { browser: await chromium.connect(server.wsEndpoint()), server };
}

function chromiumPath(): string {
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

  /** Opens an address in a new browser context and signs in. */
  static async open(browser: Browser, url: string, name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    const person = new Person(await context.newPage());
    person.page.setDefaultTimeout(timeLimits.event);
    await person.page.goto(url);
    await person.page.getByLabel('Your name').fill(name);
    await person.page.getByRole('button', { name: /^(Continue|Join)$/ }).click();
    return person;
  }

  /** Creates a session and returns the address of its page. */
  async create(title: string): Promise<string> {
    await this.page.getByLabel('Title').fill(title);
    await this.page.getByRole('button', { name: 'Create session' }).click();
    await this.page.getByRole('heading', { name: title }).waitFor();
    return this.page.url();
  }

  /** Points into a room; x and y are fractions of its width and height. */
  async point(room: string, x: number, y: number): Promise<void> {
    const box = await this.room(room).boundingBox();
    if (!box) throw new Error(`There is no room "${room}" on the page.`);
    await this.page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  }

  room(room: string): Locator {
    return this.page.locator(`[data-room="${room}"]`);
  }

  cursorOf(name: string): Locator {
    return this.page.locator('.cursor').filter({ hasText: name });
  }

  row(name: string): Locator {
    return this.page.locator('.person').filter({ hasText: name });
  }

  feed(name: string, cause: string): Locator {
    return this.page.locator(`.feed [data-cause="${cause}"]`).filter({ hasText: name });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
