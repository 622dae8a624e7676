import { join } from 'node:path';
import type { EditorView } from '@codemirror/view';
import { build } from 'esbuild';
import type { Browser, BrowserServer, Page } from 'playwright-core';
import type { Session } from '../../client/index.ts';
import { newPage, newTab, startBrowser } from '../support/browser.ts';
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
  var tabSession: Session;
  var tabKey: string;
}

const bundled = (name: string) =>
  build({ entryPoints: [join(__dirname, name)], bundle: true, format: 'esm', target: 'es2022', write: false });

/** Runs a script in a page that has nothing else. */
async function run(on: Page, { outputFiles }: { outputFiles: { text: string }[] }): Promise<void> {
  await on.goto(`${stack.http}/health`);
  await on.evaluate((url) => {
    globalThis.stackUrl = url;
    document.body.replaceChildren();
  }, stack.websocket);
  await on.addScriptTag({ content: outputFiles[0]!.text, type: 'module' });
}

beforeAll(async () => {
  const bundle = bundled('codemirror.ts');
  [stack, { browser, server }] = await Promise.all([startTestStack(), startBrowser()]);
  page = await newPage(browser);
  await run(page, await bundle);
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

test('[row 21] the selection of a page before its reload does not stay while another tab of the user is open', async () => {
  const script = await bundled('editor-tab.ts');
  const one = await newPage(browser);
  const two = await newTab(one);
  const keyIn = async (tab: Page) => {
    await run(tab, script);
    await tab.waitForFunction(() => 'tabKey' in globalThis);
    return tab.evaluate(() => globalThis.tabKey);
  };
  /** Waits until a tab sees exactly these editors of its user. */
  const sees = (tab: Page, keys: string[]) =>
    tab.waitForFunction(
      (wanted) =>
        Object.keys(globalThis.tabSession.self?.data ?? {})
          .sort()
          .join() === wanted,
      keys.toSorted().join(),
    );
  const [before, other] = [await keyIn(one), await keyIn(two)];
  await sees(two, [before, other]);
  // Leaving the page and loading it again is what a reload does.
  const after = await keyIn(one);
  await Promise.all([sees(one, [after, other]), sees(two, [after, other])]);
  await one.context().close();
});
