import { ApiGatewayManagementApiClient, DeleteConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { stayPresent } from '../support/presence-frames.ts';
import { type RealTab, RealTabs } from '../support/real-tabs.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';

// The dashboard in a tab that Chromium really hides behind another one.

declare global {
  /** The types of the frames that the page sent since the test listens. */
  var sentTypes: string[];
}

let stack: TestStack;
let tabs: RealTabs;
/** The connection of the dashboard: nobody else receives figures. */
const watcher = () => stack.posts.of('figures').at(-1)?.connectionId;

beforeAll(async () => {
  [stack, tabs] = await Promise.all([startTestStack({}, { pages: true, schedules: true }), RealTabs.start()]);
});
afterAll(async () => {
  await tabs?.close();
  await stack?.close();
});

/** A sweep of each minute writes which sessions the list shows, and the page reads the list after the next figures, in milliseconds. */
const listMillis = 120_000 + timeLimits.event;

async function open(view: string, shown: string): Promise<RealTab> {
  const tab = await tabs.open(`${stack.http}/dashboard/#/${view}`);
  await tab.call(() => {
    globalThis.sentTypes = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data) {
      sentTypes.push(JSON.parse(String(data)).type);
      send.call(this, data);
    };
  });
  await tab.until(has(shown), listMillis);
  return tab;
}
const has = (text: string) => `document.body.innerText.includes(${JSON.stringify(text)})`;
/** How many requests the page sent to the HTTP API. */
const requests = (tab: RealTab) =>
  tab.run<number>(
    `performance.getEntriesByType('resource').filter(({ name }) => /\\/(service|sessions|analytics)/.test(new URL(name).pathname)).length`,
  );

/** Opens another tab in front. @returns the number of requests when the tab is hidden. */
async function hide(tab: RealTab): Promise<number> {
  await tabs.open(`${stack.http}/health`);
  await tab.until('document.hidden');
  return requests(tab);
}

/** Waits until the service has posted figures to the page. */
async function figuresPosted(): Promise<void> {
  const [since, until] = [stack.posts.posts.length, Date.now() + 2 * timeLimits.event];
  while (stack.posts.of('figures', since).length === 0) {
    if (Date.now() > until) throw new Error('The service posted no figures.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function cut(ConnectionId: string): Promise<void> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new ApiGatewayManagementApiClient({ endpoint: stack.management, region: 'us-east-1', credentials });
  await client.send(new DeleteConnectionCommand({ ConnectionId }));
}

test('[CL3] a hidden list of sessions reads nothing, asks for no figures and does not reconnect; when it is visible, it is current', async () => {
  const { owner, session } = await stack.host('olive', { isPublic: true, title: 'Stage plan' });
  await stayPresent(owner, session.id);
  const tab = await open('sessions', 'Stage plan');
  await figuresPosted();
  const before = await hide(tab);
  const askedAgain = (await tab.run<number>('performance.now()')) + 41_000;
  await tab.run('sentTypes = []');
  const other = await stack.host('pat', { isPublic: true, title: 'Garden day' });
  await stayPresent(other.owner, other.session.id);
  await figuresPosted();
  // A visible page asks for figures again after forty seconds.
  await tab.until(`performance.now() > ${askedAgain}`);
  expect(await requests(tab)).toBe(before);
  expect(await tab.run(has('Garden day'))).toBe(false);
  await cut(watcher()!);
  await tab.until(has('Connection lost'));
  // A visible page would connect again within a second.
  await tab.run(`new Promise((done) => setTimeout(done, 5000))`);
  expect(await tab.run('sentTypes')).toEqual([]);
  expect(await requests(tab)).toBe(before);
  await tab.show();
  await tab.until(has('Garden day'), listMillis);
  await tab.until(`!${has('Connection lost')}`);
  // While it waits for the list, the visible page renews its request for figures.
  const [first, ...later] = await tab.run<string[]>('sentTypes');
  expect([first, [...new Set(later)]]).toEqual(['hello', ['figures_watch']]);
});

test('the page of a session and the analytics are current when their tab is visible again', async () => {
  const { owner, session } = await stack.host('ada', { isPublic: true, title: 'Spring menu' });
  await stayPresent(owner, session.id);
  const one = await open(`sessions/${session.id}`, '1 person: Ada');
  const analytics = await open('analytics', 'Busiest sessions');
  await tabs.open(`${stack.http}/health`);
  for (const tab of [one, analytics]) await tab.until('document.hidden');
  const guest = await stack.arrive('ben');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await stack.fireSchedule('CleanupSweep');
  await stack.database.query(`UPDATE analytics_progress SET counted_at = now() + interval '1 day'`);
  const counted = await analytics.run<string>(`document.querySelector('.hint').textContent`);
  await one.show();
  await one.until(has('2 people: Ada, Ben'));
  await analytics.show();
  await analytics.until(`document.querySelector('.hint').textContent !== ${JSON.stringify(counted)}`);
});
