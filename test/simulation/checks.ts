import { slotFaults } from '../harness/checks/slots.ts';
import { stayFaults } from '../harness/checks/stays.ts';
import { type Appearance, viewFaults } from '../harness/checks/views.ts';
import type { ModelUser } from './room-model.ts';
import type { RoomView } from './room-view.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { World } from './world.ts';

/** How long the delivery of a cursor may take, in milliseconds: its window, the second of rule DE3, and two slow calls. */
const cursorMillis = 2700;
/** How much a frame and its handling may add to a bound, in milliseconds. */
const travelMillis = 1500;

/** A killed sweep holds its shards until its leases end; the next sweep takes them a moment later. */
const deadSweepMillis = 5000;

interface Watcher {
  client: SimulatedClient;
  sessionId: string;
  view: RoomView;
}

/** The tabs that are in a session and have the answer to their join. */
function watchers(world: World): Watcher[] {
  return world.clients.flatMap((client) =>
    [...client.rooms]
      .filter(([, room]) => client.open && room.joined && room.wanted)
      .map(([sessionId, { view }]) => ({ client, sessionId, view })),
  );
}

/** Users of a session with their live connections. */
function truth(world: World, sessionId: string): Map<string, number> {
  const users = new Map<string, number>();
  for (const { client, sessionId: other } of watchers(world)) {
    if (other === sessionId) users.set(client.userId, (users.get(client.userId) ?? 0) + 1);
  }
  return users;
}

/** Checks that no user is shown longer than the bound after their end (rule PR12). */
export function checkGhosts(world: World): void {
  const { clock, lastThere, timings } = world;
  const present = watchers(world);
  for (const client of world.clients) world.noteThere(client);
  const bound = timings.offlineAfterMillis + 5000 + travelMillis + troubleMillis(world);
  for (const { client, sessionId, view } of present) {
    for (const userId of view.users.keys()) {
      const since = lastThere.get(`${sessionId}:${userId}`);
      if (since === undefined || clock.now - since <= bound) continue;
      world.violate(`[PR12] ${client.name} still shows ${world.short(userId)}, gone for ${clock.now - since} ms`);
    }
  }
}

/** How much faults may add to the bound, which applies while Redis, the sweep and the frames work. */
function troubleMillis({ profile, timings }: World): number {
  const { kills, refusals, evictions, emptied, outages } = profile;
  const killed = kills > 0 ? deadSweepMillis : 0;
  // A heartbeat leads to a resync of lost changes.
  const healed = kills + refusals + evictions + emptied + outages > 0 ? timings.heartbeatMillis + travelMillis : 0;
  // A restored session gives all connections of the connection table a new sign of life (rules FA1, FA2).
  const restored = (evictions + emptied + outages) * timings.offlineAfterMillis;
  return killed + healed + restored;
}

/** Checks that each client has the last cursor of each user (rule DE3). */
export function checkCursors(world: World): void {
  if (!world.lossless) return;
  for (const { client, sessionId, view } of watchers(world)) {
    for (const [userId, { cursor }] of world.ledger.room(sessionId).users) {
      if (userId === client.userId || !cursor?.shown || world.clock.now - cursor.at < cursorMillis) continue;
      const shown = view.cursors.get(userId)?.cursor.position;
      if (!view.users.has(userId) || shown === cursor.position) continue;
      world.violate(`[DE3] ${client.name} shows ${world.short(userId)} at ${shown} instead of ${cursor.position}`);
    }
  }
}

/**
 * Checks that each open tab shows the true state and misses no numbered change: after the quiet period, in which heartbeats lead to a
 * resync (`unasked`), and after a last snapshot (`asked`).
 */
export function checkViews(world: World, moment: 'unasked' | 'asked'): void {
  for (const { client, sessionId, view } of watchers(world)) {
    const room = world.ledger.room(sessionId);
    const upToDate = view.epoch === room.epoch && view.seq === room.seq;
    const underWay = world.clock.now - room.numberedAt < travelMillis;
    if (!upToDate && !underWay) {
      world.violate(`[DE4] ${client.name} is at ${view.epoch}/${view.seq}, the session at ${room.epoch}/${room.seq}`);
    }
    if (upToDate) compareUsers(world, { client, sessionId, view }, moment);
  }
}

function compareUsers(world: World, { client, sessionId, view }: Watcher, moment: 'unasked' | 'asked'): void {
  const room = world.ledger.room(sessionId);
  const exact = !world.ledger.blurred.has(sessionId);
  // The sweep announces a new status of away only a moment later (rule PR6). A user who is alone gets no frames about
  // themselves, so their view is as old as their last snapshot.
  const isBecoming = (userId: string, user: ModelUser) => {
    const millis = userId === client.userId ? world.timings.heartbeatMillis : travelMillis;
    return room.statusOf(user, world.clock.now) !== room.statusOf(user, world.clock.now - millis);
  };
  const expectedOf = (userId: string, connections: number): Appearance => {
    // A user who is alone gets no frames about themselves.
    if (moment === 'unasked' && userId === client.userId) return {};
    if (!exact) return { connections };
    const user = room.users.get(userId);
    const status =
      user && (isBecoming(userId, user) ? view.users.get(userId)?.status : room.statusOf(user, world.clock.now));
    if (moment === 'unasked') return { connections, status };
    // Only invisible users themselves see their cursors.
    const isHidden = status === 'offline' && userId !== client.userId;
    return { connections, status, position: isHidden ? undefined : user?.cursor?.position };
  };
  const expected = new Map(
    [...truth(world, sessionId)].map(([userId, connections]) => [userId, expectedOf(userId, connections)]),
  );
  const shown = new Map(
    [...view.users].map(([userId, { connections, status }]) => [
      userId,
      { connections, status, position: view.cursors.get(userId)?.cursor.position as number | undefined },
    ]),
  );
  for (const fault of viewFaults(shown, expected))
    world.violate(`[PR1] ${moment}, in the view that ${client.name} has of ${sessionId}, ${fault}`);
}

/** The other users in the view of each open tab, with the number of its last diff. */
export function shownOf(world: World): Map<SimulatedClient, Map<string, string>> {
  const shown = new Map<SimulatedClient, Map<string, string>>();
  for (const { client, sessionId, view } of watchers(world)) {
    const lines = [...view.users.values()]
      .filter(({ userId }) => userId !== client.userId)
      .map(({ userId, status, connections }) => {
        // A lost cursor is not sent again (rule DE6).
        const tellsCursor = status !== 'offline' && world.delivering;
        const position = tellsCursor ? ` at ${view.cursors.get(userId)?.cursor.position ?? '-'}` : '';
        return `${world.short(userId)} ${status} x${connections}${position}`;
      });
    const text = `${view.epoch}/${view.seq}: ${lines.toSorted()}`;
    shown.set(client, (shown.get(client) ?? new Map<string, string>()).set(sessionId, text));
  }
  return shown;
}

/** Checks that a last snapshot brings nothing new, so that no update was left unsent (rules DE3, DE4). */
export function checkNothingStranded(world: World, before: ReturnType<typeof shownOf>): void {
  const after = shownOf(world);
  for (const [client, sessions] of before) {
    for (const [sessionId, was] of sessions) {
      const is = after.get(client)?.get(sessionId);
      const sameNumber = is?.split(':')[0] === was.split(':')[0];
      if (sameNumber && is !== withoutLost(was, is!))
        world.violate(`[DE3] ${client.name} in ${sessionId}: ${was}; having asked: ${is}`);
    }
  }
}

/** A cursor of which Redis lost each copy is missing in the snapshot, which is no new information. */
function withoutLost(was: string, is: string): string {
  const lost = [...is.matchAll(/(U\d+) \S+ x\d+ at -/g)].map(([, user]) => user);
  return was.replaceAll(/(U\d+) (\S+ x\d+) at \d+/g, (text, user, rest) =>
    lost.includes(user) ? `${user} ${rest} at -` : text,
  );
}

/** Checks that each user with one tab has the cursor that was sent last, in whatever order frames were handled (rule PR18). */
export function checkLatest(world: World): void {
  if (!world.lossless) return;
  for (const { client, sessionId } of watchers(world)) {
    if (world.clients.filter(({ userId }) => userId === client.userId).length > 1) continue;
    const sent = client.shown.get(sessionId)?.position;
    const is = world.ledger.room(sessionId).users.get(client.userId)?.cursor?.position;
    if (sent === undefined || sent === is) continue;
    world.violate(`[PR18] ${client.name} has the cursor ${is} in ${sessionId}, but sent ${sent} last`);
  }
}

/**
 * Checks that the audit trail has each stay once, with its end and cause, even after kills (rules PR9, AC1). Without kills it also has
 * each join, and exactly the present users hold a slot.
 */
export function checkAudit(world: World): void {
  const isWhole = world.profile.kills === 0 && !world.troubled;
  for (const sessionId of world.sessionIds) {
    if (world.ledger.forgotten.has(sessionId)) continue;
    for (const userId of world.userIds) checkDepartures(world, sessionId, userId);
    if (isWhole) checkStays(world, sessionId);
  }
}

function checkDepartures(world: World, sessionId: string, userId: string): void {
  const rows = world.backend.audit.filter((row) => row.sessionId === sessionId && row.userId === userId);
  const happened = world.ledger.room(sessionId).history.get(userId) ?? [];
  const ends = happened.filter((transition) => transition !== 'join');
  const written = rows
    .filter(({ type }) => type !== 'user_joined')
    .map(({ type, details }) => (type === 'user_timeout' ? 'timeout' : details['cause']));
  if (written.toSorted().join() === ends.toSorted().join()) return;
  const who = `${world.short(userId)} in ${sessionId}`;
  world.violate(`[PR9] departures of ${who}: written [${written.toSorted()}], happened [${ends.toSorted()}]`);
}

function checkStays(world: World, sessionId: string): void {
  const { audit, places } = world.backend;
  const rows = audit.filter((row) => row.sessionId === sessionId && row.type.startsWith('user_'));
  const present = [...truth(world, sessionId).keys()];
  for (const userId of world.userIds) {
    const isJoin = (what: string) => what === 'user_joined' || what === 'join';
    const happened = (world.ledger.room(sessionId).history.get(userId) ?? []).filter(isJoin).length;
    const written = rows.filter((row) => row.userId === userId && isJoin(row.type)).length;
    if (happened !== written)
      world.violate(`[PR9] joins of ${world.short(userId)} in ${sessionId}: written ${written}, happened ${happened}`);
  }
  const movements = rows.toSorted((one, other) => one.at - other.at);
  for (const { sentence } of stayFaults(movements, (_, userId) => present.includes(userId)))
    world.violate(`[PR9] ${sentence}`);
  const holders = world.userIds.filter((userId) => places.get(`${sessionId}:${userId}`)?.active);
  for (const sentence of slotFaults({ sessionId, holders, present })) world.violate(`[SE3] ${sentence}`);
}
