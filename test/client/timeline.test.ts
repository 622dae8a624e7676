/** @jest-environment jsdom */
import { createTestRollcall } from '../../client/testing/index.ts';
import { showPresenceTimeline, staysOf } from '../../client/timeline/index.ts';
import { onceJoined } from '../../client/timeline/read.ts';
import type { ActivityItem } from '../../protocol/entities.ts';

let serial = 0;
const entry = (userId: string | null, activityType: string, createdAt: number, details = {}): ActivityItem => ({
  ...{
    id: `e${++serial}`,
    sessionId: 's',
    userId,
    username: userId?.toUpperCase() ?? null,
    activityType,
    details,
    createdAt,
  },
  ...{ ipAddress: null, userAgent: null },
});
const page = (items: ActivityItem[]) => ({ queryActivity: async () => ({ items: items.toReversed() }) });

let container: HTMLElement;
beforeEach(() => {
  container = document.body.appendChild(document.createElement('div'));
});
afterEach(() => container.remove());

test('[AC9] a user who comes back has two stays, and each has its own end and last sign of life', () => {
  const trail = [
    entry('ada', 'user_joined', 1000),
    entry('ada', 'typed', 2000),
    entry('ada', 'user_timeout', 9000, { durationSeconds: 8 }),
    entry('ada', 'user_joined', 10_000),
    entry('ada', 'user_left', 12_000, { cause: 'left' }),
  ];
  const [ada] = staysOf(trail.toReversed());
  expect(ada!.stays).toMatchObject([
    { name: 'ADA', joinedAt: 1000, leftAt: 9000, cause: 'timeout', lastSign: trail[1]!, departure: trail[2]! },
    { joinedAt: 10_000, leftAt: 12_000, cause: 'left', lastSign: trail[4]!, departure: trail[4]!, activities: [] },
  ]);
});

test('[AC9] the end of a session ends all stays, and the stay of a guest who signed in is a stay of the user', () => {
  const trail = [
    entry('guest', 'user_joined', 1000),
    entry('bob', 'user_joined', 1500),
    entry('ada', 'guest_signed_in', 2000, { guestId: 'guest' }),
    entry(null, 'session_expired', 5000),
    entry('ada', 'user_left', 5001, { cause: 'session_expired' }),
  ];
  expect(staysOf(trail)).toMatchObject([
    { userId: 'ada', stays: [{ joinedAt: 1000, leftAt: 5000, cause: 'session_expired', departure: trail[4]! }] },
    { userId: 'bob', stays: [{ joinedAt: 1500, leftAt: 5000, cause: 'session_expired', departure: trail[3]! }] },
  ]);
});

test('[PR9] who left at the very moment at which the session ended has the cause of the leave, whatever the order of the entries', () => {
  const end = entry(null, 'session_expired', 5000);
  const leave = entry('ada', 'user_left', 5000, { cause: 'disconnected' });
  for (const last of [
    [end, leave],
    [leave, end],
  ]) {
    const [ada] = staysOf([entry('ada', 'user_joined', 1000), ...last]);
    expect(ada!.stays).toMatchObject([{ leftAt: 5000, cause: 'disconnected', departure: leave }]);
  }
});

test('[AC9] a stay whose join is missing begins as long before its end as the end says', () => {
  const [ada] = staysOf([entry('ada', 'user_left', 60_000, { cause: 'removed', durationSeconds: 20 })]);
  expect(ada!.stays).toMatchObject([{ joinedAt: 40_000, leftAt: 60_000, cause: 'removed' }]);
});

test('the words of the application replace the English ones, and a removed timeline leaves no element', async () => {
  const trail = [entry('ada', 'user_joined', 1000), entry('ada', 'user_left', 2000, { cause: 'gone' })];
  const words = { nobody: '{time}: niemand', causes: { gone: 'weg' } };
  const formatTime = (time: number) => `t${time}`;
  const timeline = showPresenceTimeline(container, page(trail), { words, formatTime });
  await timeline.refresh();
  expect(container.querySelector('[role=status]')!.textContent).toBe('t2000: niemand');
  expect(container.querySelector('li b')!.textContent).toBe('weg');
  timeline();
  expect(container.children).toHaveLength(0);
});

test('a trail that cannot be read shows the message of the error and a button that reads again', async () => {
  let isAway = true;
  const source = {
    async queryActivity() {
      if (isAway) throw new Error('The audit trail is away.');
      return page([entry('ada', 'user_joined', 1000)]).queryActivity();
    },
  };
  const timeline = showPresenceTimeline(container, source);
  await timeline.refresh();
  const status = container.querySelector('[role=status]')!;
  expect(status.textContent).toBe('The audit trail is away. Try again');
  isAway = false;
  status.querySelector('button')!.click();
  await timeline.refresh();
  expect(status.textContent).toMatch(/1 person: ADA$/);
});

test('if the session could not be joined within ten seconds, the button reads the trail once it is joined', async () => {
  const rollcall = createTestRollcall();
  const client = rollcall.client('ada');
  const restore = rollcall.cut(client);
  const timeline = showPresenceTimeline(container, onceJoined(client.open('doc')), { formatTime: String });
  await rollcall.advance(11_000);
  const status = container.querySelector('[role=status]')!;
  expect(status.textContent).toMatch(/cannot be reached now.* Try again$/);
  await restore();
  await rollcall.advance(1000);
  status.querySelector('button')!.click();
  await timeline.refresh();
  expect(status.textContent).toMatch(/1 person: ada$/);
  timeline();
  rollcall.close();
});

test('without the beginning of a long trail it says how many entries are shown, and the chosen moment is told', async () => {
  const trail = Array.from({ length: 20 }, (_, n) => entry('ada', n ? 'typed' : 'user_joined', n * 1000));
  const moments: number[] = [];
  const queryActivity = async ({ limit, before = '0' }: { limit: number; before?: string }) => {
    const to = Number(before) + limit;
    return { items: trail.toReversed().slice(Number(before), to), ...(to < 20 && { next: String(to) }) };
  };
  const source = { queryActivity };
  const timeline = showPresenceTimeline(container, source, { most: 5, onMove: (at) => moments.push(at) });
  await timeline.refresh();
  expect(container.querySelector('[role=alert]')!.textContent).toBe(
    'Only the latest 5 entries are shown. Users who joined before them may be missing.',
  );
  const slider = container.querySelector('input')!;
  slider.value = slider.min;
  slider.dispatchEvent(new Event('input'));
  expect(moments).toEqual([15_000]);
});

test('[SA10] an agent is shown as one, and a user whose activity has a kind is not', async () => {
  const trail = [
    entry('ada', 'user_joined', 1000),
    entry('bot', 'user_joined', 2000, { kind: 'agent', onBehalfOf: 'ada', keyId: 'key' }),
    entry('ada', 'note', 3000, { kind: 'agent' }),
  ];
  expect(staysOf(trail).map(({ kind, stays }) => [kind, stays[0]!.kind])).toEqual([
    [undefined, undefined],
    ['agent', 'agent'],
  ]);
  await showPresenceTimeline(container, page(trail), { formatTime: String }).refresh();
  expect(container.querySelector('p')!.textContent).toMatch(/ — 2 people: ADA, BOT \(agent\)$/);
  expect(container.querySelectorAll('li')[1]!.textContent).toMatch(/^BOT \(agent\)/);
  expect(container.querySelectorAll('button')[1]!.getAttribute('aria-label')).toMatch(/^BOT \(agent\), /);
});
