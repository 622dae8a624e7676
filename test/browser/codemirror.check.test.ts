import { join } from 'node:path';
import type { EditorView } from '@codemirror/view';
import { build } from 'esbuild';
import type { Browser, BrowserServer, Page } from 'playwright-core';
import type { Session } from '../../client/index.ts';
import { newPage, startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

// Editors with the awareness of `@rollcall/client/yjs` in a real browser with the real stack.

let stack: TestStack;
let browser: Browser;
let server: BrowserServer;
let page: Page;

declare global {
  var ada: EditorView;
  var bob: EditorView;
  var bobSession: Session;
}

beforeAll(async () => {
  const bundle = build({
    entryPoints: [join(__dirname, 'codemirror.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  [stack, { browser, server }] = await Promise.all([startTestStack(), startBrowser()]);
  page = await newPage(browser);
  await page.goto(`${stack.http}/health`);
  await page.evaluate((url) => {
    globalThis.stackUrl = url;
    document.body.replaceChildren();
  }, stack.websocket);
  await page.addScriptTag({ content: (await bundle).outputFiles[0]!.text, type: 'module' });
  await page.waitForFunction(() => 'bobSession' in globalThis);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await stack?.close();
});

/** Waits until an editor shows exactly this text as the selection of this user. */
function shows(editor: string, text: string, name: string): Promise<unknown> {
  return page.waitForFunction(
    (wanted) => {
      const texts = (kind: string) =>
        [...document.querySelectorAll(`#${wanted.editor} .cm-${kind}`)].map((each) => each.textContent).join();
      return texts('ySelection') === wanted.text && texts('ySelectionInfo') === wanted.name;
    },
    { editor, text, name },
  );
}

test('two CodeMirror editors show each other’s selections and names, and follow edits', async () => {
  await page.evaluate(() => {
    ada.focus();
    ada.dispatch({ selection: { anchor: 4, head: 9 } });
  });
  await shows('Bob', 'quick', 'Ada');
  await page.evaluate(() => {
    bob.focus();
    bob.dispatch({ changes: { from: 0, insert: 'So: ' }, selection: { anchor: 14, head: 19 } });
  });
  expect(await page.evaluate(() => ada.state.doc.toString())).toBe('So: The quick brown fox');
  await shows('Ada', 'brown', 'Bob');
  const background = await page
    .locator('#Ada .cm-ySelection')
    .evaluate((element) => getComputedStyle(element).backgroundColor);
  expect(background).toMatch(/^oklch\(.* \/ 0\.2\)$/);
  await page.evaluate(() => bobSession.leave());
  await shows('Ada', '', '');
});
