import type { Browser, Page } from 'playwright-core';
import { median, timed } from '../measurement.ts';

/** So many times each view is opened. */
export const rounds = 5;

/** Opens a view in a new browser context, so that nothing is cached. */
export async function opened(browser: Browser, url: string, isShown: string): Promise<{ page: Page; millis: number }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const millis = await timed(async () => {
    await page.goto(url);
    await page.locator(isShown).first().waitFor();
  });
  return { page, millis };
}

/** The median time from the address until an element is shown. */
export async function loads(browser: Browser, url: string, isShown: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { page, millis } = await opened(browser, url, isShown);
    times.push(millis);
    await page.context().close();
  }
  return median(times);
}
