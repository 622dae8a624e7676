import { join } from 'node:path';
import type { EditorView } from '@codemirror/view';
import { build } from 'esbuild';
import type { Browser, BrowserServer, Page } from 'playwright-core';
import type { Session } from '../../client/index.ts';
import type { TestRollcall } from '../../client/testing/index.ts';
import { startBrowser } from '../support/browser.ts';

/** Editors with the awareness of `./yjs` in a real browser. */

let browser: Browser;
let server: BrowserServer;
let page: Page;

declare global {
  var ada: EditorView;
  var bob: EditorView;
  var bobSession: Session;
}
const inPage = globalThis as unknown as { rollcall: TestRollcall };

beforeAll(async () => {
  ({ browser, server } = await startBrowser());
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, 'codemirror.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  page = await browser.newPage();
  // A secure origin, because other pages have no `crypto.randomUUID`.
  const body = '<!doctype html><html lang="en"><title>Editors</title><body></body></html>';
  await page.route('http://localhost/', (route) => route.fulfill({ body, contentType: 'text/html' }));
  await page.goto('http://localhost/');
  await page.addScriptTag({ content: outputFiles[0]!.text, type: 'module' });
  await page.waitForFunction(() => 'bob' in globalThis);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** The texts that are marked as selected by somebody else in an editor. */
const marked = (editor: string) => page.locator(`#${editor} .cm-ySelection`).allTextContents();
const names = (editor: string) => page.locator(`#${editor} .cm-ySelectionInfo`).allTextContents();

test('two CodeMirror editors show each other’s selections and names, and follow edits', async () => {
  await page.evaluate(async () => {
    ada.focus();
    ada.dispatch({ selection: { anchor: 4, head: 9 } });
    await (globalThis as unknown as typeof inPage).rollcall.advance(200);
  });
  expect(await marked('Bob')).toEqual(['quick']);
  expect(await names('Bob')).toEqual(['Ada']);
  expect(await marked('Ada')).toEqual([]);
  await page.evaluate(async () => {
    bob.focus();
    bob.dispatch({ changes: { from: 0, insert: 'So: ' }, selection: { anchor: 14, head: 19 } });
    await (globalThis as unknown as typeof inPage).rollcall.advance(200);
  });
  expect(await page.evaluate(() => ada.state.doc.toString())).toBe('So: The quick brown fox');
  expect(await marked('Ada')).toEqual(['brown']);
  expect(await names('Ada')).toEqual(['Bob']);
  const background = await page
    .locator('#Ada .cm-ySelection')
    .evaluate((element) => getComputedStyle(element).backgroundColor);
  expect(background).toMatch(/^oklch\(.* \/ 0\.2\)$/);
  await page.evaluate(async () => {
    await bobSession.leave();
    await (globalThis as unknown as typeof inPage).rollcall.advance(5000);
  });
  expect(await marked('Ada')).toEqual([]);
  expect(await names('Ada')).toEqual([]);
});
