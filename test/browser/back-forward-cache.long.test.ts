import { useDemo } from '../support/demo.ts';
import { expectWithin } from '../support/time-limits.ts';

/** The demo in a browser with a back-forward cache; Playwright switches it off by default. */
const demo = useDemo({}, {}, ['--disable-back-forward-cache']);

declare global {
  /** The times of `pageshow` from the cache and of the next complete list of users, in milliseconds. */
  var restoredAt: number | undefined;
  var joinedAt: number | undefined;
}

test('[row 26] Back restores the page from the cache, it has joined again within 2 s, and nobody missed anything', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const bob = await demo.join(await ada.invite('Edit'), 'Bob');
  await ada.row('Bob').waitFor();
  await bob.page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => {
      // The list is marked as stale since the page was left.
      if (!persisted || !document.querySelector('.people.stale')) return;
      globalThis.restoredAt = performance.now();
      const look = () => {
        if (document.querySelector('.people:not(.stale)')) globalThis.joinedAt = performance.now();
        else requestAnimationFrame(look);
      };
      look();
    });
  });
  await bob.page.goto(demo.stack.http);
  await ada.row('Bob').waitFor({ state: 'detached' });
  // Meanwhile something happens that the page cannot hear.
  await ada.card('Brass band').focus();
  for (const key of ['Enter', 'ArrowUp', 'ArrowRight', 'Enter']) await ada.page.keyboard.press(key);
  await ada.feed('moved Brass band to Garden, 9:30').waitFor();
  // A page from the cache is not loaded again, so there is no `load` to wait for.
  await bob.page.goBack({ waitUntil: 'commit' });
  await bob.page.waitForFunction(() => globalThis.joinedAt !== undefined);
  const millis = await bob.page.evaluate(() => globalThis.joinedAt! - globalThis.restoredAt!);
  await expectWithin(millis, 2000);
  await ada.row('Bob').waitFor();
  await bob.page.locator('[data-card="brass"][data-place="2-1"]:not(.held)').waitFor();
});
