import type { Client, Session, User } from '../../client/index.ts';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { SeededRandom } from '../harness/seeded-random.ts';

// Runs with seeded random faults. The invariants are checked after each run, when no work is left.

const runs = Number(process.env['CLIENT_CAMPAIGN_RUNS'] ?? 60);
const people = 4;
const steps = 40;

interface Tab {
  user: string;
  client: Client;
  session: Session;
  /** Ends the present disturbance of the tab. */
  heal: (() => Promise<void>) | undefined;
  requests: Promise<string>[];
  /** The last state that the user set; the final state must equal it. */
  said: { activity?: string; data: Record<string, number> };
}

const settled = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error) => String(error.code),
  );

/** @param isGentle whether to use only faults that must not cause a leave. */
async function disturb(rollcall: TestRollcall, tab: Tab, dice: () => number, isGentle: boolean): Promise<void> {
  const { client, session } = tab;
  const heal = tab.heal;
  tab.heal = undefined;
  await heal?.();
  const deeds: (() => unknown)[] = [
    () => session.setStatus(dice() < 0.5 ? 'away' : 'online'),
    () => {
      const activity = dice() < 0.3 ? null : `text ${Math.floor(dice() * 100)}`;
      tab.said.activity = activity ?? undefined;
      session.setActivity(activity);
    },
    () => {
      const key = `key${Math.floor(dice() * 3)}`;
      const value = dice() < 0.3 ? null : Math.floor(dice() * 100);
      if (value === null) delete tab.said.data[key];
      else tab.said.data[key] = value;
      session.setData({ [key]: value });
    },
    () => session.setCursor({ x: Math.floor(dice() * 1000) }),
    () => tab.requests.push(settled(session.queryActivity())),
    () => tab.requests.push(settled(session.participants())),
    () => void tab.requests.push(settled(session.logActivity('note', { from: tab.user }))),
    () => {
      tab.heal = rollcall.hide(client, { clamped: dice() < 0.5 });
    },
    () => rollcall.breakSockets(client),
    () => rollcall.loseClose(client),
    () => rollcall.expireToken(client),
    () => rollcall.device(client).tell('network'),
  ];
  const rough: (() => unknown)[] = [
    () => {
      tab.heal = rollcall.cut(client, { silent: dice() < 0.5 });
    },
    () => {
      tab.heal = rollcall.freeze(client);
    },
    () => {
      client.close();
      tab.heal = async () => client.connect();
    },
  ];
  if (!isGentle) deeds.push(...rough);
  await deeds[Math.floor(dice() * deeds.length)]!();
}

async function run(seed: number, isGentle: boolean): Promise<void> {
  const random = new SeededRandom(seed);
  const dice = () => random.next();
  const rollcall = createTestRollcall({ random: dice });
  const tabs = Array.from({ length: people + 1 }, (_, index): Tab => {
    // The last tab is a second one of the first user.
    const user = `user${index % people}`;
    const client = rollcall.client(user, { tokenSeconds: 200 + Math.floor(dice() * 4000), worker: dice() < 0.5 });
    return { user, client, session: client.open('doc'), heal: undefined, requests: [], said: { data: {} } };
  });
  const falseLeaves: string[] = [];
  for (const { user, session } of tabs) {
    session.on('left', (left) => falseLeaves.push(`${user} heard: ${left.user.userId} ${left.cause}`));
  }
  for (let step = 0; step < steps; step += 1) {
    await disturb(rollcall, tabs[Math.floor(dice() * tabs.length)]!, dice, isGentle);
    // In a gentle run a broken connection is restored before the next fault.
    await rollcall.advance((isGentle ? 10_000 : 0) + Math.floor(dice() ** 3 * 60_000));
  }
  if (isGentle) expect(falseLeaves).toEqual([]);
  for (const tab of tabs) {
    await tab.heal?.();
  }
  // After ten failed attempts a client stops, and the application calls connect().
  await rollcall.advance(60_000);
  for (const { client } of tabs) if (client.state === 'closed') client.connect();
  // Time for a reconnect, the timeout of abandoned seats, and one heartbeat.
  await rollcall.advance(200_000);
  const room = [...rollcall.service.world.rooms.values()].find(({ session }) => session.key === 'doc')!;
  const truth = [...room.people.values()].map(({ user }) => shown(user)).sort();
  for (const { user, client, session, requests } of tabs) {
    expect([user, client.state, session.state]).toEqual([user, 'open', 'joined']);
    expect([user, session.users.map(shown).sort()]).toEqual([user, truth]);
    expect(await Promise.race([Promise.all(requests), rollcall.settle().then(() => 'unsettled')])).not.toBe(
      'unsettled',
    );
  }
  expect(truth).toHaveLength(people);
  // The first user has two tabs; the last change may come from either of them.
  for (const { user, said } of tabs.slice(1, people)) {
    const { activity, data = {} } = room.people.get(user)!.user;
    expect([user, { activity, data }]).toEqual([user, said]);
  }
  const ids = room.trail.items.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const { handshakes, withdrawn } = rollcall.service;
  expect(handshakes.filter(({ token, isValid }) => !isValid && !withdrawn.has(token))).toEqual([]);
  for (const { client } of tabs) {
    client.close();
    expect(rollcall.device(client).held).toBe(0);
  }
}

type Shown = Pick<User, 'userId' | 'status' | 'activity' | 'connections'> & { data?: object };

function shown({ userId, status, activity, data, connections }: Shown): string {
  const sorted = Object.entries((data ?? {}) as object).sort();
  return JSON.stringify([userId, status, activity, sorted, connections]);
}

async function runAll(isGentle: boolean): Promise<void> {
  for (let seed = 1; seed <= runs; seed += 1) {
    try {
      await run(seed, isGentle);
    } catch (error) {
      throw new Error(`Seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

test(`[row 17] after faults, each client has the same list as the service and each request has settled (${runs} seeds)`, () =>
  runAll(false));

test(`[CL8] broken sockets, expired tokens, changed networks and hidden pages cause no leave (${runs} seeds)`, () =>
  runAll(true));
