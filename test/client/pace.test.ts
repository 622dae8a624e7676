import type { Connection } from '../../client/connection.ts';
import type { Environment } from '../../client/environment.ts';
import type { Link } from '../../client/link.ts';
import { createOwn } from '../../client/own.ts';
import { createPresence, type WireUser } from '../../client/presence.ts';
import { createPublisher } from '../../client/publisher.ts';
import { createClock } from '../../client/testing/clock.ts';
import { createTimers } from '../../client/timers.ts';

const user = (userId: string): WireUser => ({
  ...{ userId, username: userId, role: 'viewer', status: 'online' },
  ...{ lastSeen: 1, lastActive: 1, joinedAt: 1, connections: 1 },
});

/** A publisher of a session with two users, on a clock of the test. */
function start() {
  const clock = createClock(1_000_000);
  const environment = { now: clock.now, after: clock.after } as unknown as Environment;
  const sent: Record<string, unknown>[] = [];
  const link = {
    welcome: { batchMillis: 100, heartbeatSeconds: 30 },
    isOpen: true,
    heardAt: clock.now(),
    wait: () => 0,
    send: (frame: Record<string, unknown>) => sent.push(frame),
  } as unknown as Link;
  const ask = async (frame: Record<string, unknown>) => void sent.push(frame);
  const connection = { requests: { ask }, check() {} } as unknown as Connection;
  const presence = createPresence(clock);
  presence.apply({ epoch: 'e', seq: 1, users: [user('me'), user('other')] });
  const own = createOwn({});
  const done = { timedOut() {}, confirmed() {}, refused() {} };
  const session = { link: () => link, id: () => 's', presence, user: () => presence.users.get('me'), ...done };
  const publisher = createPublisher(environment, connection, undefined, own, createTimers(environment), session);
  const say = (change: object) => {
    own.set(change);
    publisher.flush();
  };
  return { clock, publisher, say, sent };
}

async function moveFor(seconds: number, { clock, say }: ReturnType<typeof start>) {
  for (let step = 0; step < seconds * 20; step += 1) {
    say({ cursor: { x: step } });
    await clock.advance(50);
  }
}

test('[CO4] the client sends cursors no more often than the pace of the service, and other changes at once', async () => {
  const room = start();
  await moveFor(2, room);
  expect(room.sent.length).toBeGreaterThan(15);
  room.publisher.pace(5000, 90);
  room.sent.length = 0;
  await moveFor(20, room);
  expect(room.sent.length).toBeGreaterThanOrEqual(3);
  expect(room.sent.length).toBeLessThanOrEqual(5);
  room.sent.length = 0;
  room.say({ activity: 'typing' });
  await room.clock.advance(200);
  expect(room.sent).toMatchObject([{ type: 'presence_update', activity: 'typing' }]);
});

test('[CO4] the last cursor is sent, and the pace ends with its time', async () => {
  const room = start();
  room.publisher.pace(5000, 30);
  await moveFor(2, room);
  await room.clock.advance(5000);
  expect(room.sent.at(-1)).toMatchObject({ cursor: { x: 39 } });
  await room.clock.advance(30_000);
  room.sent.length = 0;
  await moveFor(2, room);
  expect(room.sent.length).toBeGreaterThan(15);
});
