import type { ClientWorld } from './client-world.ts';
import type { SaidLast, Tab } from './tab.ts';

const statuses = ['online', 'online', 'away', 'offline'] as const;
const minGapMillis = 500;
const maxGapMillis = 12_000;

/** The actions of users in their tabs, at times and in ways that the seed decides. */
export function startUserActions(world: ClientWorld, tab: Tab): void {
  world.clock.after(world.random.int(minGapMillis, maxGapMillis), () => {
    const { device, quietUntil, isClosed } = tab;
    const isIdle = !world.faulty || device.isGone || device.isFrozen || isClosed || world.clock.now < quietUntil;
    if (!isIdle) act(world, tab);
    startUserActions(world, tab);
  });
}

function act(world: ClientWorld, tab: Tab): void {
  const { random } = world;
  if (!tab.device.isHidden) tab.device.tell('input');
  const sessionId = random.pick(world.sessionIds)!;
  const session = tab.rooms.get(sessionId)?.session;
  if (!session) {
    tab.join(sessionId);
    return;
  }
  const choice = random.next();
  if (choice < 0.12) say(world, tab, sessionId, 'status');
  else if (choice < 0.3) say(world, tab, sessionId, 'activity');
  else if (choice < 0.45) say(world, tab, sessionId, 'data');
  else if (choice < 0.65) point(tab, sessionId, random.int(1, 1000));
  else if (choice < 0.72) tab.promises.add('queryActivity()', session.queryActivity());
  else if (choice < 0.78) tab.promises.add('participants()', session.participants());
  else if (choice < 0.9) world.logActivity(tab, sessionId);
  else if (choice < 0.95) session.broadcast('wave', { from: tab.name });
  else if (tab.rooms.size > 1) void tab.leave(sessionId);
}

/** Moves the cursor. */
export function point(tab: Tab, sessionId: string, position: number): void {
  const said: SaidLast = tab.said.get(sessionId) ?? { data: {} };
  tab.said.set(sessionId, { ...said, position });
  tab.rooms.get(sessionId)!.session.setCursor({ eventId: 'event', position });
}

/** Changes a part of the user's state that others must see. */
export function say(world: ClientWorld, tab: Tab, sessionId: string, what: 'status' | 'activity' | 'data'): void {
  const { random } = world;
  const session = tab.rooms.get(sessionId)!.session;
  const said: SaidLast = tab.said.get(sessionId) ?? { data: {} };
  tab.said.set(sessionId, said);
  if (what === 'status') {
    const status = random.pick(statuses)!;
    said.isInvisible = status === 'offline';
    if (said.isInvisible) world.invisible.add(tab.userId);
    session.setStatus(status);
  } else if (what === 'activity') {
    said.activity = random.chance(0.3) ? null : `text ${random.int(1, 1000)}`;
    session.setActivity(said.activity);
  } else {
    const key = `key${random.int(1, 3)}`;
    const value = random.chance(0.3) ? null : random.int(1, 1000);
    said.data[key] = value;
    session.setData({ [key]: value });
  }
}
