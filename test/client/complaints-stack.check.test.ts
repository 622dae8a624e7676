import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClientIn } from '../../client/client.ts';
import type { Client, ClientOptions, Session } from '../../client/index.ts';
import { IdentityProvider, localAudience, localIssuer } from '../../local/identity/identity-provider.ts';
import { tokenOf } from '../support/client.ts';
import { joined } from '../support/joined.ts';
import { whilePresent } from '../support/silence.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, timeLimits } from '../support/time-limits.ts';
import { DisturbedDevice } from './disturbed-device.ts';

// Complaints of users of other clients, tested with the real client and real sockets on the real stack.

const second = 1000;
/** Long enough that a busy machine does not miss two heartbeats. */
const heartbeatSeconds = 3;
const timeoutSeconds = 8;
/** After this the others must see the leave of a user whose network was cut (rule PR12). */
const goneMillis = (heartbeatSeconds + timeoutSeconds + 5) * second;
/** Within this each request settles (rule CL9). */
const settleMillis = 10 * second;
/** For what a timeout of the service has to pass first. */
const longLimit = goneMillis + timeLimits.event;
const tokenLifeMillis = 12 * 60 * 60 * second;

let stack: TestStack;
const people: Person[] = [];
/** The tests share the stack, so each has user names of its own. */
let run = 1;

beforeAll(async () => {
  stack = await startTestStack({
    PRESENCE_UPDATE_SECONDS: String(heartbeatSeconds),
    HEARTBEAT_TIMEOUT_SECONDS: String(timeoutSeconds),
  });
});
/** Another document with other users. */
function beginAnew(): void {
  run += 1;
  for (const { client, device } of people.splice(0)) {
    client.close();
    device.close();
  }
}
afterEach(beginAnew);
afterAll(() => stack?.close());

interface Person {
  name: string;
  client: Client;
  device: DisturbedDevice;
  session: Session;
  tokenCalls: number;
  /** Who left, as this person was told. */
  left: string[];
}

/** A user who opens the document of this test. */
async function arrive(name: string, options: Partial<ClientOptions> = {}): Promise<Person> {
  const device = new DisturbedDevice();
  const token = async () => {
    person.tokenCalls += 1;
    return (await tokenOf(stack, `${name}${run}`)).token;
  };
  const client = createClientIn(device.environment, { url: stack.websocket, token, ...options });
  const session = client.open(`doc-${run}`);
  const person: Person = { name, client, device, session, tokenCalls: 0, left: [] };
  people.push(person);
  session.on('left', ({ user, cause }) => person.left.push(`${user.username} ${cause}`));
  await joined(session);
  return person;
}

async function until(condition: () => boolean, what: string, millis = timeLimits.event): Promise<number> {
  const begun = performance.now();
  while (!condition()) {
    if (performance.now() - begun > millis) throw new Error(`Waited ${millis} ms for ${what}.`);
    await pause(10);
  }
  return performance.now() - begun;
}
async function timed<T>(work: Promise<T>): Promise<{ outcome: T; millis: number }> {
  const begun = performance.now();
  const outcome = await work;
  return { outcome, millis: performance.now() - begun };
}
const listOf = ({ session }: Person) => session.users.map(({ username }) => username).sort();
const seesAlone = ({ session }: Person) => session.others.length === 0;
const sees = ({ session }: Person, others: number) => session.others.length === others;

test('[row 1] [PR12] the others see the leave of a user whose network was cut without a close', async () => {
  const [ada, bob] = [await arrive('ada'), await arrive('bob')];
  await until(() => sees(ada, 1), 'ada to see bob');
  bob.device.cut({ tells: false });
  await expectWithin(await until(() => seesAlone(ada), 'the leave', longLimit), second, goneMillis);
  expect(ada.left).toEqual([`Bob${run} timeout`]);
});

test('[row 2] after a sleep the client finds the dead socket, joins again and has the list of the service', async () => {
  const [ada, bob] = [await arrive('ada'), await arrive('bob')];
  await until(() => sees(ada, 1), 'ada to see bob');
  bob.device.freeze();
  bob.device.cut({ tells: false });
  await until(() => seesAlone(ada), 'the leave of the user who sleeps', longLimit);
  const cleo = await arrive('cleo');
  bob.device.restore();
  bob.device.wake();
  // The socket has 2.5 s to prove that it is alive; then comes the handshake.
  const backMillis = await until(() => sees(cleo, 2) && sees(bob, 2), 'bob to be back');
  await expectWithin(backMillis, second, 3 * second);
  await until(() => sees(ada, 2), 'ada to see both');
  for (const person of [ada, bob, cleo]) expect(listOf(person)).toEqual([`Ada${run}`, `Bob${run}`, `Cleo${run}`]);
});

test('[row 4] after close() no page event opens a socket; connect() does', async () => {
  const bob = await arrive('bob');
  // On a busy machine a handshake may be refused, and the client repeats it.
  const before = bob.device.dials;
  bob.client.close();
  for (const event of ['online', 'visible', 'wake', 'restored', 'network', 'input'] as const) bob.device.tell(event);
  bob.client.open('another');
  // Longer than the first wait before an attempt.
  await pause(1500);
  expect([bob.device.dials, bob.client.state]).toEqual([before, 'closed']);
  bob.client.connect();
  await until(() => bob.session.state === 'joined', 'the session to be joined again');
  expect(bob.device.dials).toBeGreaterThan(before);
});

test('[row 5] [row 9] tokens are replaced before they expire, no expired one is sent, and no user sees a leave', async () => {
  const file = join(stack.dataDirectory, 'identity.json');
  const provider = await IdentityProvider.open(file, { issuer: localIssuer, audience: localAudience });
  const issued: number[] = [];
  const token = async () => {
    const now = Date.now();
    issued.push(now);
    // The provider issues tokens of twelve hours; this one has 12 s left.
    const begun = now - tokenLifeMillis + 12 * second;
    return (await provider.issue({ subject: `bob${run}`, name: `bob${run}`, admin: false }, begun)).token;
  };
  const ada = await arrive('ada');
  const bob = await arrive('bob', { token });
  const states: string[] = [];
  bob.client.on('state', (state) => states.push(state));
  await until(() => bob.device.dials >= 4, 'three replacements', longLimit + timeLimits.event);
  await until(() => bob.session.state === 'joined', 'the session to be joined');
  // A token is requested before each handshake, so none is older than its life.
  expect(issued.length).toBeGreaterThanOrEqual(bob.device.dials);
  expect([states, ada.left]).toEqual([[], []]);
});

test('[row 12] [CL9] requests settle within 10 s although their socket breaks or falls silent', async () => {
  const bob = await arrive('bob');
  const settled = (request: Promise<unknown>) =>
    request.then(
      () => 'done',
      (error) => error.code as string,
    );
  /** Breaks the sockets below requests, and makes requests while there is no socket. */
  const outcomes = async () => {
    const broken = [bob.session.queryActivity(), bob.session.participants()].map(settled);
    bob.device.breakSockets();
    await until(() => bob.session.state === 'stale', 'the loss');
    const waiting = [bob.session.queryActivity(), bob.client.machines.list()].map(settled);
    const { outcome, millis } = await timed(Promise.all([...broken, ...waiting]));
    await expectWithin(millis, 0, settleMillis);
    await until(() => bob.session.state === 'joined', 'the session to be joined again');
    return outcome;
  };
  // Each of them may be repeated, so the next socket brings their replies, unless the busy machine needs longer than the requests may.
  const over = Date.now() + timeLimits.event;
  let outcome = await outcomes();
  while (outcome.includes('UNAVAILABLE') && Date.now() < over) outcome = await outcomes();
  expect(outcome).toEqual(Array(4).fill('done'));
  bob.device.cut({ tells: false });
  const silent = await timed(settled(bob.session.queryActivity()));
  expect(silent.outcome).toBe('UNAVAILABLE');
  await expectWithin(silent.millis, second, settleMillis);
});

test('[row 13] [row 15] what was chosen offline is sent once, and each activity is stored once', async () => {
  const [ada, bob] = [await arrive('ada'), await arrive('bob')];
  await until(() => sees(ada, 1), 'ada to see bob');
  await ada.session.setRole(bob.client.self!.userId, 'commenter');
  await until(() => bob.session.role === 'commenter', 'the role');
  bob.device.cut({ tells: true });
  const before = bob.device.sent.length;
  const logged: Promise<unknown>[] = [];
  for (let step = 0; step < 600; step += 1) {
    bob.session.setCursor({ x: step });
    bob.session.setStatus(step % 2 ? 'away' : 'online');
    if (step % 200 === 0) logged.push(bob.session.logActivity('note', { step }));
  }
  bob.device.restore();
  await Promise.all(logged);
  const shown = () => ada.session.others[0]?.cursor?.['x'] === 599 && ada.session.others[0].status === 'away';
  await until(shown, 'the last cursor and status');
  // A heartbeat has the cursor, too. On a busy machine one may be due already.
  const sent = bob.device.sent.slice(before).filter(({ type }) => type !== 'heartbeat');
  expect(sent.filter((frame) => 'cursor' in frame)).toHaveLength(1);
  // The frame with the cursor repeats the status, because a cursor alone would end it.
  expect(sent.filter((frame) => 'status' in frame && !('cursor' in frame))).toHaveLength(1);
  const { items } = await ada.session.queryActivity({ activityType: 'note' });
  expect(items.map(({ details }) => details['step'])).toEqual([400, 200, 0]);
});

test('[row 17] after many joins at once, with sockets that break meanwhile, every client has the list of the service', () =>
  whilePresent(
    (heartbeatSeconds + timeoutSeconds) * second,
    async ({ silence }) => {
      const crowd = 10;
      const away = silence();
      const arriving = Array.from({ length: crowd }, (_, index) => arrive(`user${index}-`));
      for (const { device } of people.filter((_, index) => index % 3 === 0)) device.breakSockets();
      const all = await Promise.all(arriving);
      for (const { device } of all.filter((_, index) => index % 4 === 0)) device.breakSockets();
      const isWhole = () => all.every(({ session }) => session.state === 'joined' && session.users.length === crowd);
      await until(isWhole, 'every list to have everybody', timeLimits.event);
      away.stop();
      const { rows } = await stack.database.query<{ count: string }>(
        'SELECT count(*) FROM session_participants WHERE session_id = $1 AND is_active',
        [all[0]!.session.id],
      );
      expect(Number(rows[0]!.count)).toBe(crowd);
      expect(all.flatMap(({ left }) => left)).toEqual([]);
    },
    beginAnew,
  ));

test('[row 18] a user who is connected again is shown to the others within a second', async () => {
  const [ada, bob] = [await arrive('ada'), await arrive('bob')];
  await until(() => sees(ada, 1), 'ada to see bob');
  bob.device.cut({ tells: true });
  await until(() => seesAlone(ada), 'the leave', longLimit);
  bob.device.restore();
  await until(() => bob.session.state === 'joined', 'bob to be back');
  await expectWithin(await until(() => sees(ada, 1), 'ada to see bob'), second);
});

test('[row 20] failed heartbeats cost no token and no socket, and a closed tab still leaves', async () => {
  const [ada, bob] = [await arrive('ada'), await arrive('bob')];
  await until(() => sees(ada, 1), 'ada to see bob');
  // On a busy machine a handshake may be refused, and the client repeats it.
  const before = [bob.tokenCalls, bob.device.dials];
  const refused: string[] = [];
  bob.client.on('error', ({ code }) => refused.push(code));
  await stack.stores.redis.shut();
  await until(() => refused.includes('UNAVAILABLE'), 'a heartbeat that fails');
  await stack.stores.redis.open();
  await until(() => bob.session.state === 'joined', 'the session');
  expect([bob.tokenCalls, bob.device.dials, bob.client.state]).toEqual([...before, 'open']);
  bob.device.tell('leaving');
  // Nothing of a closed page runs.
  bob.device.freeze();
  await until(() => seesAlone(ada), 'the leave');
  // A snapshot that comes first tells of the leave without its cause.
  expect([[`Bob${run} disconnected`], [`Bob${run} undefined`]]).toContainEqual(ada.left);
});

test('[row 42] typing and pointing as fast as possible trips no limit', async () => {
  const [ada, bob] = [await arrive('ada'), await arrive('bob')];
  await until(() => sees(ada, 1), 'ada to see bob');
  const { dials } = bob.device;
  const errors: string[] = [];
  bob.client.on('error', ({ code }) => errors.push(code));
  bob.session.on('error', ({ code }) => errors.push(code));
  for (let step = 0; step < 500; step += 1) {
    bob.session.setCursor({ x: step });
    bob.session.setActivity(`typing ${step}`);
    await pause(4);
  }
  const isLast = () => ada.session.others[0]?.activity === 'typing 499' && ada.session.cursors[0]?.cursor['x'] === 499;
  await until(isLast, 'the last text and cursor');
  // On a busy machine a store may be too slow for a frame, which is then sent again.
  expect([errors.filter((code) => code !== 'UNAVAILABLE'), bob.device.dials]).toEqual([[], dials]);
});
