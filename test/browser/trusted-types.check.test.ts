import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserServer } from 'playwright-core';
import type * as Testing from '../../client/testing/index.ts';
import type * as Timeline from '../../client/timeline/index.ts';
import type * as Components from '../../client/ui/index.ts';
import { newPage, startBrowser } from '../support/browser.ts';

// The components in a real browser on a page whose policy requires Trusted Types. The service is in memory.

let browser: Browser;
let server: BrowserServer;
let script: string;

interface Tools {
  testing: typeof Testing;
  timeline: typeof Timeline;
  ui: typeof Components;
}
declare global {
  var tools: Tools;
  var violations: string[];
}

const address = 'https://app.example/';
const policy = "require-trusted-types-for 'script'";
const page = `<!doctype html><script>
  globalThis.violations = [];
  addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) => violations.push(violatedDirective + ' ' + sample));
</script><script src="/tools.js"></script><main></main>`;

beforeAll(async () => {
  const names = ['testing', 'timeline', 'ui'];
  const bundle = build({
    stdin: {
      contents: names.map((name) => `export * as ${name} from './${name}/index.ts';`).join('\n'),
      resolveDir: join(__dirname, '../../client'),
      loader: 'ts',
    },
    bundle: true,
    format: 'iife',
    globalName: 'tools',
    target: 'es2022',
    write: false,
  });
  ({ browser, server } = await startBrowser());
  script = (await bundle).outputFiles[0]!.text;
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

async function openPage() {
  const opened = await newPage(browser);
  await opened.route(`${address}**`, (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({
          contentType: 'text/html',
          headers: { 'content-security-policy': policy },
          body: page,
        }),
  );
  await opened.goto(address);
  return opened;
}

test('the policy of the page is in force', async () => {
  const opened = await openPage();
  const refused = opened.evaluate(() => {
    document.querySelector('main')!.innerHTML = '<p></p>';
  });
  await expect(refused).rejects.toThrow(/TrustedHTML/);
  await opened.context().close();
});

test('all components work on a page that requires Trusted Types, and violate nothing', async () => {
  const opened = await openPage();
  const shown = await opened.evaluate(async () => {
    const { testing, ui } = tools;
    const main = document.querySelector('main')!;
    const rollcall = testing.createTestRollcall({ sessionTimeoutMillis: 3_600_000 });
    const client = rollcall.client('ada');
    const session = client.open('doc');
    const his = rollcall.client('bob').open('doc');
    await Promise.all([session.ready, his.ready]);
    ui.showAvatars(main, session);
    ui.showCursors(main, session);
    ui.showFollow(main, session);
    ui.showInvite(main, session);
    ui.showNotices(main, session);
    ui.showStatus(main, client);
    his.setCursor({ x: 0.5, y: 0.5 });
    await rollcall.advance(1000);
    const arrow = main.querySelector('.rollcall-cursors svg path')!;
    const seen = { arrow: arrow.namespaceURI, box: arrow.parentElement!.getAttribute('viewBox') };
    await session.end();
    await rollcall.advance(1000);
    const warning = main.querySelector('.rollcall-notices svg')!;
    rollcall.close();
    return { ...seen, warning: warning instanceof SVGSVGElement, violations: globalThis.violations };
  });
  const namespace = 'http://www.w3.org/2000/svg';
  expect(shown).toEqual({ arrow: namespace, box: '0 0 12 17', warning: true, violations: [] });
  await opened.context().close();
});

test('the timeline works on a page that requires Trusted Types, and violates nothing', async () => {
  const opened = await openPage();
  const shown = await opened.evaluate(async () => {
    const { testing, timeline } = tools;
    const main = document.querySelector('main')!;
    const rollcall = testing.createTestRollcall();
    const session = rollcall.client('ada').open('doc');
    const his = rollcall.client('bob').open('doc');
    await Promise.all([session.ready, his.ready]);
    await session.logActivity('<b>note</b>');
    await rollcall.advance(60_000);
    await his.leave();
    await rollcall.advance(60_000);
    // The newest entry has a fault, which the timeline shows, too.
    const verify: Timeline.TimelineOptions['verify'] = async ([entry]) => ({
      ...{ valid: false, chains: [], waiting: [], unchecked: [], renamed: [], proven: 0 },
      faults: [{ fault: 'entry_altered', sessionId: session.id, sequence: null, activityId: entry!.id }],
    });
    const shownThere = timeline.showPresenceTimeline(main, session, { verify });
    await shownThere.refresh();
    const bars = main.querySelectorAll<HTMLButtonElement>('li button');
    for (const bar of bars) bar.click();
    for (const table of main.querySelectorAll('details')) table.open = true;
    const slider = main.querySelector('input')!;
    slider.value = slider.min;
    slider.dispatchEvent(new Event('input'));
    const texts = main.textContent!;
    const alarms = main.querySelectorAll('[data-broken]').length;
    shownThere();
    rollcall.close();
    return {
      bars: bars.length,
      alarms: alarms > 0,
      isText: texts.includes('<b>note</b>') && main.querySelector('td b') === null,
      violations: globalThis.violations,
    };
  });
  expect(shown).toEqual({ bars: 2, alarms: true, isText: true, violations: [] });
  await opened.context().close();
});
