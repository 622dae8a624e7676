import type { User } from '../../../client/index.ts';
import type { PresenceUser } from '../../../protocol/entities.ts';
import { inPlace } from '../context.ts';
import { Invocation } from '../environments.ts';
import type { ClientWorld } from './client-world.ts';

/** How late others may learn a new status, in milliseconds: a second until the sweep, and the delivery. */
const travelMillis = 2500;
/** The short grace of a replaced socket, and the delivery of its end. */
const settlingMillis = 3000 + travelMillis;
const looks = 6;

type Shown = Pick<User, 'userId' | 'status' | 'activity' | 'connections' | 'data' | 'cursor'>;

/** Checks that each client has the list of the server (row 17), and that the server has the users of the tabs. */
export async function checkLists(world: ClientWorld): Promise<void> {
  let found = await differences(world);
  // A user may just have become away, or have replaced their socket. Others learn that a moment later.
  for (let look = 1; look < looks && found.length > 0; look += 1) {
    await world.clock.runUntil(world.clock.now + settlingMillis);
    found = await differences(world);
  }
  for (const difference of found) world.violate(difference);
}

async function differences(world: ClientWorld): Promise<string[]> {
  const found: string[] = [];
  for (const sessionId of world.sessionIds) {
    const users = await listOf(world, sessionId);
    const served = users.map(({ userId, connections }) => `${world.short(userId)} x${connections}`).toSorted();
    const truth = tabsIn(world, sessionId);
    if (served.join() !== truth.join())
      found.push(`[row 17] the server has [${served}] in ${sessionId}, there are [${truth}]`);
    for (const tab of world.tabs) {
      const session = tab.rooms.get(sessionId)?.session;
      if (!session) continue;
      if (session.state !== 'joined') found.push(`[row 17] ${tab.name} is ${tab.client.state}, ${session.state}`);
      else found.push(...compare(world, tab.name, tab.userId, session.users, users));
    }
  }
  return found;
}

function compare(
  world: ClientWorld,
  name: string,
  selfId: string,
  has: readonly Shown[],
  served: PresenceUser[],
): string[] {
  // A user who is alone gets no frames about their own status, connections and cursor.
  const describe = (user: Shown | PresenceUser): string => {
    const { userId, status, activity, connections, data = {}, cursor } = user;
    const told = `${world.short(userId)} ${activity ?? '-'} ${JSON.stringify(Object.entries(data).toSorted())}`;
    if (userId === selfId) return told;
    // Others do not see the cursor of an invisible user. A user who becomes visible by a join is shown without a cursor until it
    // moves. A cursor frame that the network loses is not repeated.
    const isShown = !world.invisible.has(userId) && world.profile.lost === 0;
    const place = isShown ? (cursor as { position?: number })?.position : undefined;
    return `${told} ${status} x${connections} at ${place ?? '-'}`;
  };
  const [shown, expected] = [has.map(describe).toSorted(), served.map(describe).toSorted()];
  if (shown.join() === expected.join()) return [];
  return [`[row 17] ${name} shows\n    ${shown.join('\n    ')}\n  instead of\n    ${expected.join('\n    ')}`];
}

/** The list of users that a snapshot would have now. */
async function listOf(world: ClientWorld, sessionId: string): Promise<PresenceUser[]> {
  const invocation = new Invocation(world, 0, 'check', Number.POSITIVE_INFINITY);
  let users: PresenceUser[] | undefined;
  inPlace({ world, invocation }, () => {
    void world.presence.getOnlineUsers(sessionId, { includeOffline: true }).then((found) => {
      users = found;
    });
  });
  const end = world.clock.now + 1000;
  while (!users && world.clock.now < end) await world.clock.runUntil(world.clock.now + 20);
  if (!users) throw new Error('The server did not list a session.');
  return users;
}

/** Users with the number of their tabs in a session. */
function tabsIn(world: ClientWorld, sessionId: string): string[] {
  const counts = new Map<string, number>();
  for (const { userId, rooms, device, isClosed } of world.tabs) {
    if (!rooms.has(sessionId) || device.isGone || isClosed) continue;
    counts.set(userId, (counts.get(userId) ?? 0) + 1);
  }
  return [...counts].map(([userId, count]) => `${world.short(userId)} x${count}`).toSorted();
}

/** Checks that the server has the last state that each user with one tab set (row 15). */
export async function checkSaid(world: ClientWorld): Promise<void> {
  for (const sessionId of world.sessionIds) {
    const users = await listOf(world, sessionId);
    for (const { userId, said, name } of world.tabs) {
      const last = said.get(sessionId);
      if (!last || world.tabsOf(userId).length > 1) continue;
      const user = users.find((each) => each.userId === userId);
      const has: Record<string, unknown> = {
        activity: user?.activity ?? null,
        isInvisible: user?.status === 'offline',
        position: user?.cursor?.['position'],
      };
      const expected: Record<string, unknown> = { ...last, data: undefined, ...last.data };
      for (const key of Object.keys(last.data)) has[key] = user?.data?.[key] ?? null;
      const wrong = Object.keys(expected).filter((key) => expected[key] !== undefined && has[key] !== expected[key]);
      if (wrong.length === 0) continue;
      world.violate(
        `[row 15] ${name} set ${JSON.stringify(last)} last in ${sessionId}, but the server has ${JSON.stringify(user)}`,
      );
    }
  }
}

/** Checks that no user is shown longer than their timeout allows (row 1). */
export function checkGhosts(world: ClientWorld): void {
  const { clock, profile, timings, recorder } = world;
  // A restored session gives all connections of the connection table a new sign of life (rules FA1, FA2).
  const trouble = (profile.emptied + profile.outages) * timings.offlineAfterMillis;
  const healed = profile.lost + profile.refusals > 0 ? timings.heartbeatMillis + travelMillis : 0;
  for (const tab of world.tabs) {
    if (!tab.isUp || tab.disturbances.disturbedMillis(clock.now - timings.heartbeatMillis) > 0) continue;
    for (const [sessionId, { session }] of tab.rooms) {
      for (const { userId } of session.users) {
        const until = recorder.shownUntil(userId);
        if (until === undefined || clock.now <= until + 5000 + travelMillis + trouble + healed) continue;
        tab.violate(`[row 1] ${world.short(userId)} is still shown in ${sessionId}, ${clock.now - until} ms too long`);
      }
    }
  }
}

/** Checks that no activity is stored twice, and that none of an open tab is lost without an error (row 13). */
export function checkActivities(world: ClientWorld): void {
  const counts = new Map<number, number>();
  for (const { type, details } of world.backend.audit) {
    if (type === 'note') counts.set(details['n'] as number, (counts.get(details['n'] as number) ?? 0) + 1);
  }
  for (const { number, tab, client, room, isRefused } of world.activities) {
    const count = counts.get(number) ?? 0;
    const isKept =
      !isRefused && tab.client === client && [...tab.rooms.values()].some(({ session }) => session === room);
    if (count > 1 || (isKept && count === 0)) tab.violate(`[row 13] activity ${number} is stored ${count} times`);
  }
}
