import type { Fault } from './client-profile.ts';
import type { ClientWorld } from './client-world.ts';
import type { Tab } from './tab.ts';
import { point, say } from './user-actions.ts';

/** Starts a fault. @returns the milliseconds until the next fault of the tab may begin. */
type Act = (world: ClientWorld, tab: Tab) => number;

/** The time to reconnect, in milliseconds: a wait of at most a second, a token, the handshake and the join. */
const redialMillis = 3500;
/** The time to reconnect after a sleep, in milliseconds: 3 s to find the dead socket (row 2), then the handshake. */
const wakeMillis = 3000 + 1500;
/** The time to reconnect after a silent loss: two heartbeats and an answer that does not arrive; attempts wait up to 30 s. */
const silentMillis = 70_000 + 45_000;
/** The longest wait before an attempt, and the attempt, in milliseconds. */
const longestWaitMillis = 30_000 + 3000;
const forgottenAfterMillis = 60_000;

export const faults: Record<Fault, Act> = {
  break(world, tab) {
    const disturbance = tab.disturb();
    tab.device.breakSockets(world.random.chance(0.6));
    tab.heal(disturbance, redialMillis, '[row 16] after a broken socket');
    return redialMillis;
  },

  end(world, tab) {
    const disturbance = tab.disturb();
    world.gateway.closeAll(tab.device);
    tab.heal(disturbance, redialMillis, '[row 16] after a closed socket');
    return redialMillis;
  },

  cut(world, tab) {
    const { random, clock } = world;
    const millis = random.chance(0.7) ? random.int(500, 10_000) : random.int(10_000, 120_000);
    const disturbance = tab.disturb();
    const wasUp = tab.client.state === 'open';
    tab.device.cut(true);
    if (wasUp && tab.client.state !== 'waiting') tab.violate('[row 11] the client is not waiting at once');
    const shown = [...tab.rooms.values()].find(({ session }) => session.state === 'joined');
    if (shown) tab.violate('[row 11] the list is not marked stale at once');
    const restoredAt = clock.now + millis;
    tab.quietUntil = restoredAt + redialMillis;
    moveOffline(world, tab);
    clock.after(millis, () => {
      if (tab.device.isGone) return;
      tab.device.restore({ tells: true, forgotten: millis > forgottenAfterMillis || random.chance(0.5) });
      tab.heal(disturbance, redialMillis, '[row 16] after a cut');
      checkBurst(world, tab, restoredAt);
    });
    return millis + redialMillis;
  },

  silentCut(world, tab) {
    const { random, clock } = world;
    const millis = random.int(1000, 100_000);
    const disturbance = tab.disturb();
    tab.device.cut(false);
    clock.after(millis, () => {
      tab.device.restore({ tells: false, forgotten: millis > 30_000 || random.chance(0.5) });
      world.gateway.noticeDead();
      tab.heal(disturbance, silentMillis, '[row 17] after a silent cut');
    });
    return millis + random.int(0, silentMillis);
  },

  sleep(world, tab) {
    const { random, clock } = world;
    const millis = random.chance(0.5) ? random.int(1000, 60_000) : random.int(60_000, 300_000);
    const disturbance = tab.disturb();
    const { device } = tab;
    device.freeze();
    device.cut(false);
    clock.after(millis, () => {
      if (device.isGone) return;
      device.restore({ tells: false, forgotten: millis >= forgottenAfterMillis });
      tab.promises.noteSluggish();
      device.thaw(random.chance(0.6) ? 'wake' : undefined);
      world.gateway.noticeDead();
      tab.heal(disturbance, wakeMillis, '[row 2] after a sleep');
    });
    return millis + wakeMillis;
  },

  hide: (world, tab) => hideFor(world, tab, world.random.int(5000, 200_000)),
  hideLong: (world, tab) => hideFor(world, tab, 600_000, true),

  hideAndBreak(world, tab) {
    const millis = hideFor(world, tab, world.random.int(10_000, 60_000));
    world.clock.after(2000, () => void faults.break(world, tab));
    return millis + redialMillis;
  },

  withdraw(world, tab) {
    world.gateway.withdrawn.add(tab.token);
    return 0;
  },

  signOut(world, tab) {
    const { random, clock, gateway } = world;
    const disturbance = tab.disturb();
    gateway.withdrawn.add(tab.token);
    tab.login = random.chance(0.5) ? 'out' : 'bad';
    const calls = tab.tokenCalls;
    tab.device.breakSockets(true);
    const millis = random.int(8000, 30_000);
    clock.after(millis, () => {
      if (tab.client.state !== 'closed') tab.violate('[row 7] a refused client continues');
      if (tab.tokenCalls > calls + 2) tab.violate(`[row 7] token() is called ${tab.tokenCalls - calls} times`);
      tab.login = 'in';
      tab.client.connect();
      tab.heal(disturbance, redialMillis, '[row 8] after a good token');
    });
    return millis + redialMillis;
  },

  refuse(world, tab) {
    const disturbance = tab.disturb();
    tab.handshakes = 'refused';
    tab.device.breakSockets(true);
    const millis = world.random.int(1000, 20_000);
    world.clock.after(millis, () => {
      tab.handshakes = 'normal';
      tab.heal(disturbance, longestWaitMillis, '[row 17] after refused handshakes');
    });
    return millis + longestWaitMillis;
  },

  hang(world, tab) {
    const disturbance = tab.disturb();
    tab.handshakes = 'none';
    tab.device.breakSockets(true);
    // The first attempt begins within a second and a token. Six seconds later it is old enough to be aborted.
    const millis = world.random.int(7500, 9000);
    world.clock.after(millis, () => {
      tab.handshakes = 'normal';
      tab.device.tell('visible');
      tab.heal(disturbance, redialMillis, '[row 3] after a handshake that hangs');
    });
    return millis + redialMillis;
  },

  network(_, tab) {
    tab.device.tell('network');
    return 5000;
  },

  cache(world, tab) {
    const { random, clock } = world;
    const { device } = tab;
    const disturbance = tab.disturb();
    device.tell('leaving');
    device.freeze();
    tab.partedAt = clock.now;
    const millis = random.int(500, 60_000);
    clock.after(millis, () => {
      if (device.isGone) return;
      tab.promises.noteSluggish();
      device.thaw(undefined);
      device.tell('restored');
      tab.partedAt = clock.now;
      tab.heal(disturbance, 2000, '[row 26] after the back-forward cache');
    });
    return millis + redialMillis;
  },

  reload: (world, tab) => closeFor(world, tab, world.random.int(100, 2000)),

  closeTab: (world, tab) => closeFor(world, tab, world.random.int(20_000, 60_000)),

  closeClient(world, tab) {
    const { random, clock } = world;
    const disturbance = tab.disturb();
    const { device } = tab;
    tab.client.close();
    tab.isClosed = true;
    tab.partedAt = clock.now;
    for (const event of ['online', 'visible', 'wake', 'network', 'input'] as const) device.tell(event);
    const millis = random.int(1000, 30_000);
    clock.after(millis, () => {
      tab.isClosed = false;
      tab.partedAt = clock.now;
      tab.client.connect();
      tab.heal(disturbance, redialMillis, '[row 4] after connect()');
    });
    return millis + redialMillis;
  },
};

/** Many cursors and statuses without a network. */
function moveOffline(world: ClientWorld, tab: Tab): void {
  for (const sessionId of tab.rooms.keys()) {
    for (let step = 0; step < 50; step += 1) point(tab, sessionId, step);
    for (let step = 0; step < 5; step += 1) say(world, tab, sessionId, 'status');
    world.logActivity(tab, sessionId);
  }
}

/** Checks that after the return only one cursor and one status of each session are sent (row 13). */
function checkBurst(world: ClientWorld, tab: Tab, since: number): void {
  const { device } = tab;
  world.clock.after(redialMillis - 1, () => {
    if (tab.device !== device || !tab.isUp || !world.isPunctual) return;
    // Activity in another tab ends a chosen status, and this tab then sends it again.
    if (world.tabsOf(tab.userId).length > 1) return;
    for (const field of ['cursor', 'status']) {
      const count = world.recorder.countSince(device, since, field);
      if (count > tab.rooms.size) tab.violate(`[row 13] ${count} frames with a ${field} after a cut`);
    }
  });
}

function hideFor(world: ClientWorld, tab: Tab, millis: number, isClamped = world.random.chance(0.5)): number {
  const { device } = tab;
  device.hide(isClamped);
  world.clock.after(millis, () => {
    if (tab.device === device) tab.show();
  });
  return millis + 5000;
}

/** Closes the tab, and loads it again later. */
function closeFor(world: ClientWorld, tab: Tab, millis: number): number {
  const { clock } = world;
  const sessionIds = [...tab.rooms.keys()];
  const disturbance = tab.disturb();
  world.note(`${tab.name} is closed`);
  tab.device.destroy();
  tab.partedAt = clock.now;
  world.checkGone(tab, sessionIds);
  clock.after(millis, () => {
    tab.partedAt = clock.now;
    tab.load(sessionIds);
    tab.heal(disturbance, redialMillis, '[row 17] after a reload');
  });
  return millis + redialMillis;
}
