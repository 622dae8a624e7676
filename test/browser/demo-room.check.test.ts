import { ApiGatewayManagementApiClient, DeleteConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { readTimings } from '../../protocol/timings.ts';
import type { Person } from '../support/browser.ts';
import { faultsOf, useDemo } from '../support/demo.ts';
import { whilePresent } from '../support/silence.ts';

// Joining a session of the demo, presence, a lost network, and leaving.

const demo = useDemo();
const { graceMillis, cleanCloseGraceMillis } = readTimings({});
const phone = { viewport: { width: 360, height: 740 } };

/** Two users in one session who see each other. */
async function pair(): Promise<{ ada: Person; bob: Person; link: string }> {
  const ada = await demo.host('Plan together', 'Ada');
  const link = await ada.invite('Edit');
  const bob = await demo.join(link, 'Bob');
  await ada.row('Bob').waitFor();
  return { ada, bob, link };
}

/** A link with an expired invite to a private session whose owner has no open page. */
async function expiredLink(): Promise<string> {
  const owner = await demo.stack.arrive('host');
  const key = `board-${crypto.randomUUID()}`;
  const { session } = await owner.expect('session_opened', {
    type: 'session_open',
    key,
    metadata: { isPublic: false },
  });
  const terms = { type: 'invite_create', sessionId: session.id, role: 'viewer', expiresInSeconds: 0.001 };
  const { invite } = await owner.expect('invite_created', terms);
  await owner.close();
  return `${demo.stack.http}/board?key=${key}&invite=${invite}`;
}

async function fits({ page }: Person): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}

test('a guest joins by an invite link, both users see each other, and each sees the other’s status and activity', async () => {
  const { ada, bob } = await pair();
  await bob.row('Ada').getByText('Online · owner').waitFor();
  const dialog = await bob.openCard('Bob');
  await dialog.getByLabel('What you are doing').fill('Counting <b>chairs</b>');
  await dialog.getByRole('button', { name: 'Set' }).click();
  await ada.row('Bob').getByText('Counting <b>chairs</b>').waitFor();
  const card = await bob.openCard('Bob');
  await card.getByText('Invisible').click();
  await ada.page.locator('.person[data-status="offline"]').filter({ hasText: 'Bob' }).waitFor();
});

test('a user who cannot reach the service sees it, and joins without a click when the service can be reached', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const bob = await demo.open(await ada.invite('Edit'));
  let isReachable = false;
  await bob.page.routeWebSocket(/\/live/, (socket) => {
    if (isReachable) socket.connectToServer();
    else void socket.close({ code: 1011 });
  });
  await bob.enter('Bob');
  await bob.page.getByRole('alert').getByText('Rollcall cannot be reached', { exact: true }).waitFor();
  expect(await faultsOf(bob)).toEqual([]);
  isReachable = true;
  await bob.row('Bob (you)').waitFor();
  await ada.row('Bob').waitFor();
});

test('after a reload the others see the same status, and they saw no leave', () =>
  whilePresent(
    cleanCloseGraceMillis,
    async ({ silence }) => {
      const { ada, bob } = await pair();
      const card = await bob.openCard('Bob');
      await card.getByText('Invisible').click();
      await ada.page.locator('.person[data-status="offline"]').filter({ hasText: 'Bob' }).waitFor();
      const away = silence();
      await bob.page.reload();
      await bob.row('Bob (you)').getByText('Invisible').waitFor();
      away.stop();
      const again = await bob.openCard('Bob');
      expect(await again.getByLabel('Invisible').isChecked()).toBe(true);
      await again.getByText('Online', { exact: true }).click();
      await ada.row('Bob').getByText('Online').waitFor();
      expect(await ada.page.locator('.feed').getByText('Bob').count()).toBe(1);
    },
    () => {},
  ));

test('when a user closes the tab or leaves, the others see the cause', async () => {
  const { ada, bob, link } = await pair();
  await bob.close();
  await ada.feed('Bob closed the page or lost the network').waitFor();
  await ada.row('Bob').waitFor({ state: 'detached' });
  const cleo = await demo.join(link, 'Cleo');
  const card = await cleo.openCard('Cleo');
  await card.getByRole('button', { name: 'Leave' }).click();
  await cleo.page.getByRole('button', { name: 'Plan together' }).waitFor();
  await ada.page.getByRole('log').getByText('Cleo left.').waitFor();
});

test('a second tab is the same user', async () => {
  const { ada, bob } = await pair();
  // A page opened by a page has a copy of its session storage, like a duplicated tab.
  const [second] = await Promise.all([
    bob.page.waitForEvent('popup'),
    bob.page.evaluate(() => void open(location.href)),
  ]);
  await ada.row('Bob').getByText('2 tabs').waitFor();
  expect(await ada.page.locator('.people .person').count()).toBe(2);
  await second.close();
  await ada.page.waitForFunction(() => !document.querySelector('.people')?.textContent?.includes('tabs'));
  await ada.row('Bob').waitFor();
});

/** Watches from now on for the list of people to be marked as stale, which may last for less than a tenth of a second. */
async function watchForStale({ page }: Person): Promise<() => Promise<unknown>> {
  const watch = await page.evaluateHandle(() => {
    const people = document.querySelector('.people')!;
    const { promise, resolve } = Promise.withResolvers<void>();
    new MutationObserver(() => people.classList.contains('stale') && resolve()).observe(people, { attributes: true });
    return { promise };
  });
  return () => watch.evaluate(({ promise }) => promise);
}

test('[CL3] [CL7] after its connection is closed, a page shows stale data and connects again without a leave', () =>
  whilePresent(
    cleanCloseGraceMillis,
    async ({ silence }) => {
      const { ada, bob } = await pair();
      const { stack } = demo;
      const bobId = await ada.row('Bob').getAttribute('data-user');
      const keys = await stack.redis.keys('presence:connections:*');
      const members = (await Promise.all(keys.map((key) => stack.redis.zrange(key, '0', '-1')))).flat();
      const ConnectionId = members.find((member) => member.startsWith(bobId!))!.slice(bobId!.length + 1);
      const stale = await watchForStale(bob);
      const client = new ApiGatewayManagementApiClient({
        endpoint: stack.management,
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      });
      const away = silence();
      await client.send(new DeleteConnectionCommand({ ConnectionId }));
      client.destroy();
      await stale();
      await bob.page.locator('.people:not(.stale)').waitFor();
      away.stop();
      await bob.pointUntil(bob.card('Seed swap'), 0.5, 0.5, () => ada.pointerOf('Bob').isVisible());
      expect(await ada.page.locator('.feed').getByText('closed the page').count()).toBe(0);
    },
    () => {},
  ));

test('without a network the page shows a notice, and changes made meanwhile are sent afterwards', () =>
  whilePresent(
    graceMillis,
    async ({ silence }) => {
      const { ada, bob } = await pair();
      await bob.page.getByRole('button', { name: 'Network' }).click();
      const away = silence();
      await bob.page.getByText('None', { exact: true }).click();
      await bob.page.keyboard.press('Escape');
      await bob.page.getByText('The connection is lost.').waitFor();
      expect(await faultsOf(bob)).toEqual([]);
      await bob.card('Brass band').focus();
      for (const key of ['Enter', 'ArrowUp', 'ArrowRight', 'Enter']) await bob.page.keyboard.press(key);
      expect(await bob.card('Brass band').getAttribute('data-place')).toBe('2-1');
      expect(await ada.card('Brass band').getAttribute('data-place')).toBe('ideas');
      await bob.page.getByRole('button', { name: 'No network' }).click();
      await bob.page.getByText('Good', { exact: true }).click();
      await ada.feed('Bob moved Brass band to Garden, 9:30').waitFor();
      away.stop();
      await ada.page.locator('[data-card="brass"][data-place="2-1"]').waitFor();
      expect(await ada.page.locator('.feed').getByText('closed the page').count()).toBe(0);
    },
    () => {},
  ));

test('a bad network delays the changes of others and loses none', async () => {
  const { ada, bob } = await pair();
  await bob.page.getByRole('button', { name: 'Network' }).click();
  await bob.page.getByText('Bad', { exact: true }).click();
  await bob.page.getByRole('button', { name: 'Bad network' }).waitFor();
  expect(demo.stack.faults.settings).toMatchObject({ slowPostMillis: 700, throttle: 0.1 });
  await bob.page.keyboard.press('Escape');
  await bob.card('Cake contest').focus();
  for (const key of ['Enter', 'ArrowUp', 'Enter']) await bob.page.keyboard.press(key);
  await ada.page.locator('[data-card="cake"][data-place="2-0"]').waitFor();
  await bob.page.getByRole('button', { name: 'Bad network' }).click();
  await bob.page.getByText('Good', { exact: true }).click();
  await bob.page.getByRole('button', { name: 'Network', exact: true }).waitFor();
  expect(demo.stack.faults.settings).toMatchObject({ slowPostMillis: 0, throttle: 0 });
});

test('an expired invite shows a warning, the reason and a link, also on a phone', async () => {
  const bob = await demo.open(await expiredLink(), phone);
  await bob.enter('Bob');
  const card = bob.page.getByRole('alert');
  await card.getByRole('img', { name: 'Warning' }).waitFor();
  const reason = 'This invitation link has expired. Sessions become inactive after 1 hour of no activity.';
  await card.getByText(reason, { exact: true }).waitFor();
  expect(await fits(bob)).toBe(true);
  expect(await faultsOf(bob)).toEqual([]);
  await card.getByRole('link', { name: 'Go to the start page' }).click();
  await bob.page.getByRole('button', { name: 'Plan together' }).waitFor();
  expect(await fits(bob)).toBe(true);
});

test('a private session refuses users without an invite', async () => {
  const ada = await demo.open(undefined, { permissions: ['clipboard-read', 'clipboard-write'] });
  const url = await ada.start('Plan together', 'Ada', true);
  const bob = await demo.open(url);
  await bob.enter('Bob');
  await bob.page.getByRole('heading', { name: 'You need an invitation' }).waitFor();
  expect(await faultsOf(bob)).toEqual([]);
  await bob.page.goto(await ada.invite('Watch'));
  await bob.row('Bob (you)').getByText('watches').waitFor();
});

test('a user without an invite may only watch until the owner lets them edit, and removed and ended users see the reason', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const bob = await demo.join(ada.page.url(), 'Bob');
  const cleo = await demo.join(ada.page.url(), 'Cleo', phone);
  await bob.row('Bob (you)').getByText('watches').waitFor();
  expect(await bob.page.getByRole('button', { name: 'Love it' }).isDisabled()).toBe(true);
  expect(await bob.page.getByRole('button', { name: 'Invite' }).count()).toBe(0);
  await bob.card('Seed swap').focus();
  await bob.page.keyboard.press('Enter');
  expect(await bob.card('Seed swap').getAttribute('class')).not.toContain('held');

  const card = await ada.openCard('Bob');
  await card.getByText('Edit', { exact: true }).click();
  await bob.row('Bob (you)').getByText('edits').waitFor();
  await bob.page.getByRole('button', { name: 'Love it', disabled: false }).waitFor();
  await bob.page.keyboard.press('Enter');
  await ada.page.locator('[data-card="seeds"].held').waitFor();

  await card.getByRole('button', { name: 'Remove' }).click();
  await card.getByRole('button', { name: 'Really remove?' }).click();
  await bob.page.getByRole('alert').getByText('The owner removed you from this session').waitFor();
  expect(await faultsOf(bob)).toEqual([]);
  await ada.page.locator('[data-card="seeds"]:not(.held)').waitFor();

  const own = await ada.openCard('Ada');
  await own.getByRole('button', { name: 'End for everybody' }).click();
  await own.getByRole('button', { name: 'Really end it?' }).click();
  await cleo.page.getByRole('alert').getByText('The owner ended this session').waitFor();
  expect(await fits(cleo)).toBe(true);
  expect(await faultsOf(cleo)).toEqual([]);
  await cleo.page.getByRole('link', { name: 'Go to the start page' }).click();
  await cleo.page.getByRole('button', { name: 'Plan together' }).waitFor();
});
