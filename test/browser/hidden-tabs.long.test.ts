import { clientScript } from '../support/client-pages.ts';
import { type RealTab, RealTabs } from '../support/real-tabs.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleLimit } from '../support/time-limits.ts';

// Tabs that Chromium really hides and throttles, with the durations and the sweeps that a deployment has. It takes eleven minutes.

declare global {
  /** What the page observed; times are milliseconds since the page was hidden. */
  var observed: {
    visibility: string[];
    /** When the timer of the page ran, which asks to run each second. */
    wakes: number[];
    /** The frames that the page sent. */
    sent: string[];
    /** The statuses of the others whenever they changed, as `user: status`, and their leaves, as `user: left`. */
    told: string[];
  };
}

/** A timer that runs so late was throttled to one run a minute; a page that is hidden for a shorter time has one each second. */
const throttledMillis = 50_000;
const throttledWakes = 10;
const minuteMillis = 60_000;

let stack: TestStack;
let tabs: RealTabs;
let script: string;

beforeAll(async () => {
  [stack, tabs, script] = await Promise.all([
    startTestStack({}, { schedules: true }),
    RealTabs.start(),
    clientScript(),
  ]);
});
afterAll(async () => {
  await tabs?.close();
  await stack?.close();
});

test('[row 19] two tabs that Chromium hides for ten minutes, with one timer wake a minute, are away and do not leave', async () => {
  const bob = await join('bob');
  const cyd = await join('cyd', { mayUseWorkers: false });
  const ada = await join('ada');
  const hidden = [bob, cyd];
  await ada.until('session.others.length === 2');
  for (const tab of hidden) await tab.until('document.hidden');
  expect(await ada.run('document.visibilityState')).toBe('visible');
  // Ada is active, so she stays online.
  const pointing = setInterval(() => void ada.run('session.setCursor({ x: Math.random() })'), minuteMillis / 2);
  try {
    const isLongHidden = `observed.wakes.filter((at, n, all) => at - all[n - 1] >= ${throttledMillis}).length >= ${throttledWakes}`;
    for (const tab of hidden) await tab.until(isLongHidden, scaleLimit(15 * minuteMillis));
  } finally {
    clearInterval(pointing);
  }

  for (const tab of hidden) {
    const { visibility, wakes } = await tab.run<typeof observed>('observed');
    expect(visibility).toEqual(['hidden']);
    const last = wakes.slice(-1 - throttledWakes);
    expect(last.at(-1)! - last[0]!).toBeGreaterThan(9.5 * minuteMillis);
    expect(await tab.run('[session.state, ...seen]')).toEqual(['joined', 'connecting', 'open']);
  }
  const { told } = await ada.run<typeof observed>('observed');
  expect(told.toSorted()).toEqual(['bob: away', 'cyd: away']);
  expect(await ada.run('session.others.map(({ status }) => status)')).toEqual(['away', 'away']);
  expect(await stack.audit(await ada.run('session.id'), 'user_left')).toEqual([]);
  expect(await stack.audit(await ada.run('session.id'), 'user_timeout')).toEqual([]);
  // The worker has exact timers. Without a worker, the service is told that the timers are slow.
  const [withWorker, withoutWorker] = await Promise.all(hidden.map((tab) => heartbeatsOf(tab)));
  expect(withWorker!.filter((frame) => frame.hidden)).toEqual([]);
  expect(withWorker!.length).toBeGreaterThanOrEqual(2 * throttledWakes - 2);
  expect(withoutWorker!.filter((frame) => frame.hidden).length).toBeGreaterThanOrEqual(throttledWakes);

  await bob.show();
  await bob.until('!document.hidden');
  await bob.run('session.setCursor({ x: 1 })');
  await ada.until(`observed.told.includes('bob: online')`);
  await cyd.show();
  await ada.until(`observed.told.includes('cyd: online')`);
  for (const tab of [ada, bob, cyd]) {
    expect(await tab.run('session.users.length')).toBe(3);
    expect((await tab.run<typeof observed>('observed')).told.filter((each) => each.endsWith('left'))).toEqual([]);
    expect((await sentBy(tab)).filter(({ type }) => type === 'hello')).toHaveLength(1);
  }
});

/** Opens a tab in the foreground, in which a user opens the session. */
async function join(user: string, { mayUseWorkers = true } = {}): Promise<RealTab> {
  const tab = await tabs.open(`${stack.http}/health`);
  if (!mayUseWorkers) await tab.call(forbidWorkers);
  await tab.run(script);
  await tab.call(start, user, stack.websocket);
  return tab;
}

/** Runs in the page. */
function forbidWorkers(): void {
  const policy = document.createElement('meta');
  policy.httpEquiv = 'Content-Security-Policy';
  policy.content = "worker-src 'none'";
  document.head.append(policy);
}

/** Runs in the page. */
async function start(user: string, url: string): Promise<void> {
  globalThis.seen = [];
  globalThis.observed = { visibility: [], wakes: [], sent: [], told: [] };
  const { visibility, wakes, sent, told } = observed;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (text) {
    sent.push(String(text));
    send.call(this, text);
  };
  document.addEventListener('visibilitychange', () => visibility.push(document.visibilityState));
  const wake = () => {
    if (document.hidden) wakes.push(performance.now());
    setTimeout(wake, 1000);
  };
  wake();
  const token = async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token;
  globalThis.client = rollcall.createClient({ url, token });
  client.on('state', (state) => seen.push(state));
  globalThis.session = client.open('hidden-tabs', { metadata: { isPublic: true } });
  session.on('left', ({ user: { username } }) => told.push(`${username}: left`));
  const statuses = new Map<string, string>();
  session.subscribe(() => {
    for (const { username, status } of session.others) {
      if (statuses.has(username) && statuses.get(username) !== status) told.push(`${username}: ${status}`);
      statuses.set(username, status);
    }
  });
  await session.ready.catch(() => session.ready);
}

async function sentBy(tab: RealTab): Promise<{ type: string; hidden?: boolean }[]> {
  const sent = await tab.run<string[]>('observed.sent');
  return sent.map((text) => JSON.parse(text));
}

/** The heartbeats of a tab. */
async function heartbeatsOf(tab: RealTab) {
  return (await sentBy(tab)).filter(({ type }) => type === 'heartbeat');
}
