import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserServer } from 'playwright-core';
import { type TrailVerification, verifyTrail } from '../../client/verify/index.ts';
import { tamperings, tenEntries } from '../activity/tampered-trail.ts';
import { createLogger } from '../support/activity-logger.ts';
import { newPage, startBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

declare const verify: typeof import('../../client/verify/index.ts');

let database: TestDatabase;
let pages: Server;
let chromium: { browser: Browser; server: BrowserServer };

beforeAll(async () => {
  database = await createDatabase();
  const entry = join(__dirname, '..', '..', 'client', 'verify', 'index.ts');
  const bundled = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'iife',
    globalName: 'verify',
    write: false,
  });
  const script = bundled.outputFiles[0]!.text;
  pages = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end(`<script>${script}</script>`),
  );
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  chromium = await startBrowser();
});
afterAll(async () => {
  await chromium?.server.close();
  await new Promise((resolve) => pages.close(resolve));
  await database.drop();
});

test('the verification in a browser finds the same faults in each forged export as in Node.js', async () => {
  const logger = createLogger({ pool: database.pool });
  const sessionId = randomUUID();
  await tenEntries(logger, sessionId);
  const items = (await logger.getRecentActivity(sessionId)).reverse();
  const exports = [items, ...tamperings.map(({ forge }) => forge(items))].map((each) => JSON.stringify(each));
  const page = await newPage(chromium.browser);
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
  const inBrowser: TrailVerification[] = await page.evaluate(
    (texts) => Promise.all(texts.map((text) => verify.verifyTrail(verify.readExport(text), { isComplete: true }))),
    exports,
  );
  const here = await Promise.all(exports.map((text) => verifyTrail(JSON.parse(text), { isComplete: true })));
  expect(inBrowser).toEqual(here);
  expect(inBrowser[0]).toMatchObject({ valid: true, chains: [{ links: 10 }] });
  for (const [index, { fault, sequence }] of tamperings.entries()) {
    expect(inBrowser[index + 1]!.faults[0]).toMatchObject({ fault, sequence });
  }
});
