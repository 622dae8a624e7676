import { ApiGatewayManagementApiClient, DeleteConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import type { Browser, BrowserServer } from 'playwright-core';
import { readTimings } from '../../protocol/timings.ts';
import { Person, startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, scaleSettings } from '../support/time-limits.ts';

const settings = scaleSettings({ PRESENCE_UPDATE_SECONDS: '1', HEARTBEAT_TIMEOUT_SECONDS: '1' });
const { offlineAfterMillis } = readTimings(settings);
let stack: TestStack;
let browser: Browser;
let server: BrowserServer;
const people: Person[] = [];

beforeAll(async () => {
  [stack, { browser, server }] = await Promise.all([startTestStack(settings, { pages: true }), startBrowser()]);
});
afterEach(async () => {
  stack.faults.set({});
  const complaints = people.flatMap((person) => person.complaints);
  await Promise.all(people.splice(0).map((person) => person.close()));
  expect(complaints).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await stack?.close();
});

async function arrive(name: string, url = stack.http, options = {}): Promise<Person> {
  const person = await Person.open(browser, url, name, options);
  people.push(person);
  return person;
}

/** Two users in one session who see each other. */
async function pair(): Promise<{ alice: Person; bob: Person; url: string }> {
  const alice = await arrive('Alice');
  const url = await alice.create('Open day, planning');
  const bob = await arrive('Bob', url);
  await Promise.all([alice.feed('Bob', 'joined').waitFor(), bob.row('Alice').waitFor()]);
  return { alice, bob, url };
}

/** The position of a pointer's tip within a room, as fractions of its size, after it has stopped moving. */
async function restsAt(person: Person, name: string, room: string, x: number, y: number): Promise<void> {
  await person.page.waitForFunction(
    ({ name, room, x, y }) => {
      const cursor = [...document.querySelectorAll('.cursor')].find((each) => each.textContent === name);
      const box = document.querySelector(`[data-room="${room}"]`)!.getBoundingClientRect();
      const tip = cursor?.getBoundingClientRect();
      if (!tip) return false;
      return Math.abs(tip.x - box.x - x * box.width) < 6 && Math.abs(tip.y - box.y - y * box.height) < 6;
    },
    { name, room, x, y },
  );
}

test('two users meet by a copied link, see the other point and change status and activity, and leave', async () => {
  const alice = await arrive('Alice', stack.http, { permissions: ['clipboard-read', 'clipboard-write'] });
  await alice.create('Open day, planning');
  await alice.page.getByRole('button', { name: 'Copy link' }).click();
  await alice.page.getByText('The link is copied').waitFor();
  const link = await alice.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toBe(alice.page.url());
  const bob = await arrive('Bob', link);
  await Promise.all([alice.feed('Bob', 'joined').waitFor(), bob.row('Alice').waitFor()]);

  await bob.point('cafe', 0.3, 0.6);
  await restsAt(alice, 'Bob', 'cafe', 0.3, 0.6);
  await bob.point('exhibition', 0.5, 0.4);
  await restsAt(alice, 'Bob', 'exhibition', 0.5, 0.4);
  await alice.point('garden', 0.2, 0.5);
  await restsAt(bob, 'Alice', 'garden', 0.2, 0.5);
  expect(await alice.cursorOf('Alice').count()).toBe(0);

  await bob.page.getByLabel('What you are doing').fill('Counting <b>chairs</b>');
  await bob.page.getByRole('button', { name: 'Set' }).click();
  await alice.row('Bob').getByText('Counting <b>chairs</b>').waitFor();
  await bob.page.getByText('Away', { exact: true }).click();
  await alice.page.locator('.person.away').filter({ hasText: 'Bob' }).waitFor();
  await bob.page.getByText('Invisible', { exact: true }).click();
  await alice.page.locator('.person.offline').filter({ hasText: 'Bob' }).waitFor();
  await alice.cursorOf('Bob').waitFor({ state: 'detached' });

  await bob.page.getByRole('button', { name: 'Leave' }).click();
  await alice.feed('Bob', 'left').waitFor();
  await bob.page.getByRole('heading', { name: 'Start a session' }).waitFor();
});

test('when a user closes the page, others see the leave with its cause', async () => {
  const { alice, bob } = await pair();
  await bob.close();
  await alice.feed('Bob', 'disconnected').waitFor();
  await alice.row('Bob').getByText('Left the session').waitFor();
});

test('a reload causes no leave, and the tab keeps its user', async () => {
  const { alice, bob } = await pair();
  await bob.page.reload();
  await bob.row('Bob (you)').waitFor();
  await bob.point('cafe', 0.5, 0.5);
  await restsAt(alice, 'Bob', 'cafe', 0.5, 0.5);
  expect(await alice.page.locator('.feed li').allTextContents()).toHaveLength(1);
});

test('[CL3][CL7] a lost connection shows stale data, reconnects automatically and joins again without a leave', async () => {
  const { alice, bob, url } = await pair();
  const sessionId = new URL(url).searchParams.get('session');
  const bobId = await alice.row('Bob').getAttribute('data-user');
  const members = await stack.redis.zrange(`presence:connections:{${sessionId}}`, '0', '-1');
  const ConnectionId = members.find((member) => member.startsWith(bobId!))!.slice(bobId!.length + 1);
  const stale = bob.page.locator('.stale').waitFor();
  const client = new ApiGatewayManagementApiClient({
    endpoint: stack.management,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(new DeleteConnectionCommand({ ConnectionId }));
  client.destroy();
  await stale;
  await bob.page.getByText('Connected', { exact: true }).waitFor();
  await bob.page.locator('.room-screen:not(.stale)').waitFor();
  await bob.point('studio', 0.5, 0.5);
  await restsAt(alice, 'Bob', 'studio', 0.5, 0.5);
  expect(await alice.page.locator('.feed [data-cause="disconnected"]').count()).toBe(0);
});

test('[PR12] when a browser is killed, others see the leave within interval + timeout + 5 s', async () => {
  const alice = await arrive('Alice');
  const url = await alice.create('Power cut');
  const doomed = await startBrowser();
  await Person.open(doomed.browser, url, 'Bob');
  await alice.feed('Bob', 'joined').waitFor();
  // After a power failure the socket is not closed, so the service gets no event.
  stack.faults.set({ loseDisconnect: 1 });
  const killed = Date.now();
  await doomed.server.kill();
  // On a busy machine, a post to Bob may fail before his time-out and end his stay earlier.
  await alice.feed('Bob', 'timeout').or(alice.feed('Bob', 'gone')).waitFor();
  await expectWithin(Date.now() - killed, 5000, offlineAfterMillis);
});

test('on a phone everything fits on the screen, and a touch points', async () => {
  const alice = await arrive('Alice');
  const url = await alice.create('A title that is longer than a phone is wide, without being unreasonable');
  const bob = await arrive('Bob', url, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await bob.row('Alice').waitFor();
  const room = bob.room('cafe');
  await room.tap({ position: { x: 40, y: 60 } });
  const box = (await room.boundingBox())!;
  await restsAt(alice, 'Bob', 'cafe', 40 / box.width, 60 / box.height);
  await restsAt(bob, 'You', 'cafe', 40 / box.width, 60 / box.height);
  const width = () => bob.page.evaluate(() => document.documentElement.scrollWidth);
  expect(await width()).toBeLessThanOrEqual(360);
  await bob.page.getByRole('button', { name: 'Leave' }).click();
  await bob.page.getByRole('heading', { name: 'Start a session' }).waitFor();
  expect(await width()).toBeLessThanOrEqual(360);
});

test('the keyboard can point too', async () => {
  const { alice, bob } = await pair();
  await bob.page.getByRole('button', { name: 'Copy link' }).focus();
  await bob.page.keyboard.press('Tab');
  await bob.page.keyboard.press('Tab');
  await restsAt(alice, 'Bob', 'main-stage', 0.5, 0.5);
  await bob.page.keyboard.press('ArrowRight');
  await restsAt(alice, 'Bob', 'main-stage', 0.56, 0.5);
  await restsAt(bob, 'You', 'main-stage', 0.56, 0.5);
});

test('an expired invite shows a warning, the reason and a link to the start', async () => {
  const { owner, session } = await stack.host('ada', { isPublic: false });
  const request = { type: 'invite_create', sessionId: session.id, role: 'viewer', expiresInSeconds: 0.001 };
  const { invite } = await owner.expect('invite_created', request);
  const url = `${stack.http}/?session=${session.id}&invite=${invite}`;
  const bob = await arrive('Bob', url, { viewport: { width: 360, height: 740 } });
  const card = bob.page.getByRole('alert');
  await card.getByRole('img', { name: 'Warning' }).waitFor();
  await card
    .getByText('This invitation link has expired. Sessions become inactive after 1 hour of no activity.', {
      exact: true,
    })
    .waitFor();
  expect(await bob.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await card.getByRole('link', { name: 'Home' }).click();
  await bob.page.getByRole('heading', { name: 'Start a session' }).waitFor();
  expect(new URL(bob.page.url()).search).toBe('');
  await owner.close();
});

test('when a session ends, its users see a message', async () => {
  const { owner, session } = await stack.host('cleo', { isPublic: true, title: 'Short' });
  const bob = await arrive('Bob', `${stack.http}/?session=${session.id}`);
  await bob.row('Cleo').waitFor();
  await owner.expect('session_ended', { type: 'session_end', sessionId: session.id });
  await bob.page.getByRole('alert').getByText('The owner ended this session').waitFor();
  await owner.close();
});
