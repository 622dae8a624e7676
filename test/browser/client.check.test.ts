import type { Page } from 'playwright-core';
import { readTimings } from '../../protocol/timings.ts';
import { moveUntil } from '../support/browser.ts';
import { useClientPages } from '../support/client-pages.ts';
import { whilePresent } from '../support/silence.ts';
import { expectWithin, scaleSettings, timeLimits } from '../support/time-limits.ts';

// The client package in a real browser with the real stack.

const settings = scaleSettings({ PRESENCE_UPDATE_SECONDS: '1', HEARTBEAT_TIMEOUT_SECONDS: '5' });
const { graceMillis, cleanCloseGraceMillis } = readTimings(settings);
const { open, pair } = useClientPages(settings);

function setHidden(page: Page, isHidden: boolean): Promise<void> {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    Object.defineProperty(document, 'visibilityState', { value: hidden ? 'hidden' : 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
}

const leavesSeenBy = (page: Page) => page.evaluate(() => seen.filter((each) => each.startsWith('left')));

test('two pages see each other, and cursors arrive in the compact form', async () => {
  const { ada, bob } = await pair('meet');
  const compact: string[] = [];
  await ada.page.evaluate(() => {
    session.on('cursors', (cursors) => seen.push(`x=${cursors[0]?.cursor['x']}`));
  });
  for (let x = 1; x <= 5; x += 1) {
    await moveUntil(
      (by) => bob.page.evaluate((at) => session.setCursor({ eventId: 'e', position: 1, x: at }), x + by),
      () => ada.page.evaluate((at) => session.others[0]?.cursor?.['x'] === at, x),
    );
  }
  compact.push(...ada.sent.filter((frame) => frame.includes('"format":"compact"')));
  expect(compact).toHaveLength(1);
  expect(await ada.page.evaluate(() => seen)).toContain('x=5');
});

test('[row 7] a refused token is recognized, although the browser does not report why a handshake failed', async () => {
  const { page } = await open('');
  await page.evaluate(() => client.connect());
  await page.waitForFunction(() => client.state === 'closed');
  // On a busy machine the question about the token may get no answer; then the client makes another attempt.
  const different = new Set(await page.evaluate(() => seen));
  expect([...different]).toEqual(['connecting', 'waiting', 'closed', 'UNAUTHENTICATED']);
});

test('[row 11] [row 16] offline is reported within 100 ms, the list is kept, and no user sees a leave', () =>
  whilePresent(
    graceMillis,
    async ({ attempt, silence }) => {
      const { ada, bob } = await pair(`offline-${attempt}`);
      await bob.page.evaluate(() => {
        addEventListener('offline', () => {
          const at = performance.now();
          const look = () => {
            if (client.state === 'waiting')
              seen.push(`${session.state} ${session.others.length} ${performance.now() - at}`);
            else setTimeout(look, 1);
          };
          look();
        });
      });
      const away = silence();
      await bob.page.context().setOffline(true);
      await bob.page.waitForFunction(() => seen.some((each) => each.startsWith('stale')));
      const told = (await bob.page.evaluate(() => seen.find((each) => each.startsWith('stale'))))!;
      const [, others, millis] = told.split(' ');
      expect(others).toBe('1');
      await bob.page.context().setOffline(false);
      await bob.page.waitForFunction(() => session.state === 'joined');
      away.stop();
      await expectWithin(Number(millis), 100);
      expect(await leavesSeenBy(ada.page)).toEqual([]);
    },
    () => {},
  ));

test('[row 3] a hidden page does not connect, and a visible one connects at once', async () => {
  const { bob } = await pair('hidden');
  await setHidden(bob.page, true);
  let dials = 0;
  bob.page.on('websocket', () => (dials += 1));
  await bob.page.evaluate(async () => {
    // Each wait of the client ends at once, so an attempt that it plans would begin here.
    const { setTimeout: later } = globalThis;
    globalThis.setTimeout = ((run: () => void) => later(run, 0)) as typeof setTimeout;
    dispatchEvent(new Event('offline'));
    dispatchEvent(new Event('online'));
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => later(resolve, 0));
    globalThis.setTimeout = later;
  });
  expect(dials).toBe(0);
  const shown = Date.now();
  await setHidden(bob.page, false);
  await bob.page.waitForFunction(() => session.state === 'joined');
  await expectWithin(Date.now() - shown, 2000);
});

test('[row 19] while the page is hidden, a worker triggers the heartbeats in time', async () => {
  const { bob } = await pair('worker');
  await setHidden(bob.page, true);
  // Simulates a browser that no longer fires the timers of this page.
  await bob.page.evaluate(() => {
    globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
  });
  await expectSoon(() => bob.page.workers().length === 1);
  const count = bob.sent.length;
  const heartbeats = () => bob.sent.slice(count).filter((frame) => frame.includes('"heartbeat"'));
  const isMarked = (frame: string) => frame.includes('"hidden":true');
  await expectSoon(() => heartbeats().filter((frame) => !isMarked(frame)).length >= 3);
  // Until the worker has started, which takes longer on a busy machine, heartbeats are marked.
  const inTime = heartbeats().slice(heartbeats().findIndex((frame) => !isMarked(frame)));
  expect(inTime.filter(isMarked)).toEqual([]);
  await setHidden(bob.page, false);
  await expectSoon(() => bob.page.workers().length === 0);
});

test('[row 19] if no worker can start, the heartbeats are marked hidden', async () => {
  const { bob } = await pair('no-worker');
  await bob.page.evaluate(() => {
    const policy = document.createElement('meta');
    policy.httpEquiv = 'Content-Security-Policy';
    policy.content = "worker-src 'none'";
    document.head.append(policy);
  });
  await setHidden(bob.page, true);
  await expectSoon(() => bob.sent.some((frame) => frame.includes('"heartbeat"') && frame.includes('"hidden":true')));
});

test('[row 26] a page from the back-forward cache joins again within 2 s', () =>
  whilePresent(
    cleanCloseGraceMillis,
    async ({ attempt, silence }) => {
      const { ada, bob } = await pair(`cache-${attempt}`);
      const away = silence();
      await bob.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
      expect(await bob.page.evaluate(() => session.state)).toBe('stale');
      const shown = Date.now();
      await bob.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
      await bob.page.waitForFunction(() => session.state === 'joined');
      const millis = Date.now() - shown;
      away.stop();
      await expectWithin(millis, 2000);
      expect(await leavesSeenBy(ada.page)).toEqual([]);
    },
    () => {},
  ));

test('[row 35] a closed client leaves no listener on the page', async () => {
  const { page } = await open('listeners');
  const left = await page.evaluate(async () => {
    const held = new Set<string>();
    for (const target of [globalThis, document] as EventTarget[]) {
      const { addEventListener: add, removeEventListener: remove } = target;
      target.addEventListener = (name: string, ...rest: [never, never]) => {
        held.add(name);
        add.call(target, name, ...rest);
      };
      target.removeEventListener = (name: string, ...rest: [never, never]) => {
        held.delete(name);
        remove.call(target, name, ...rest);
      };
    }
    await client.create({ operationId: 'op' });
    const during = held.size;
    client.close();
    return { during, after: [...held] };
  });
  expect(left.during).toBeGreaterThan(5);
  expect(left.after).toEqual([]);
});

async function expectSoon(condition: () => boolean): Promise<void> {
  const end = Date.now() + timeLimits.event;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`The condition was not met within ${timeLimits.event} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
