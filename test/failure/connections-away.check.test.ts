import { testAddresses } from '../support/addresses.ts';
import { TestClient, tokenOf } from '../support/client.ts';
import { joinOf, keepAlive, leaveOf, stayPresent } from '../support/presence-frames.ts';
import { whilePresent } from '../support/silence.ts';
import type { TestStack } from '../support/stack.ts';
import { StoreGate } from '../support/store-gate.ts';
import { askUntil, eventually, offlineMillis, startFailingStack } from './support.ts';

const cursor = { eventId: 'e', position: 1 };
let gate: StoreGate;
let stack: TestStack;
const stops: (() => void)[] = [];

beforeAll(async () => {
  gate = new StoreGate(testAddresses.dynamodb);
  await gate.open();
  stack = await startFailingStack({ dynamodbEndpoint: gate.url });
});
afterEach(restore);
afterAll(async () => {
  await stack.close();
  await gate.shut();
});

async function restore(): Promise<void> {
  for (const stop of stops.splice(0)) stop();
  // A failed test may have left the gate closed.
  await gate.shut();
  await gate.open();
}

/** Why a handshake fails; undefined if it succeeds. */
async function refusalOf(user: string): Promise<string | undefined> {
  const { token } = await tokenOf(stack, user);
  const client = new TestClient(stack.websocket, token);
  const refusal = await client.opened().then(
    () => undefined,
    (error: Error) => error.message,
  );
  client.cut();
  return refusal;
}

test('[FA4] while DynamoDB is away, connected users continue; new connections get 503 and can retry', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { owner, session } = await stack.host(`ada-${attempt}`);
      const guest = await stack.arrive(`bob-${attempt}`);
      await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
      await joinOf(owner, guest.userId);
      for (const present of [owner, guest]) stops.push(keepAlive(present, session.id, silence(began)));
      const stranger = await stack.arrive(`cleo-${attempt}`);
      await gate.shut();

      expect(await refusalOf('dan')).toBe('Unexpected server response: 503');
      await guest.expect('ack', { type: 'heartbeat', sessionId: session.id });
      await guest.expect('ack', { type: 'cursor_update', sessionId: session.id, cursor });
      await owner.next('cursors', ({ cursors }) => cursors[0]!.userId === guest.userId);
      await guest.expect('ack', { type: 'presence_update', sessionId: session.id, activity: 'still here' });
      await owner.expect('presence_state', { type: 'presence_sync', sessionId: session.id });
      await owner.expect('activity_logged', { type: 'activity_log', sessionId: session.id, activityType: 'noted' });
      await owner.expect('invite_created', { type: 'invite_create', sessionId: session.id, role: 'viewer' });
      expect(await stranger.askOnce({ type: 'session_join', sessionId: session.id })).toMatchObject({
        type: 'error',
        code: 'UNAVAILABLE',
        retryable: true,
      });
      const { rows } = await stack.database.query(
        'SELECT FROM session_participants WHERE session_id = $1 AND person_id = $2 AND left_at IS NULL',
        [session.id, stranger.userId],
      );
      expect(rows).toEqual([]);

      await gate.open();
      await eventually(
        () => refusalOf('dan'),
        (refusal) => refusal === undefined,
      );
      await askUntil(stranger, 'session_joined', { type: 'session_join', sessionId: session.id });
      expect(owner.framesOf('presence_diff').flatMap(({ leaves }) => leaves)).toEqual([]);
    },
    restore,
  );
});

test('[FA4][FA5] if a socket closes while DynamoDB is away, its user times out and the leave is announced', async () => {
  await eventually(
    () => refusalOf('emma'),
    (refusal) => refusal === undefined,
  );
  const { owner, session } = await stack.host('emma');
  const guest = await stack.arrive('finn');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await joinOf(owner, guest.userId);
  stops.push(await stayPresent(owner, session.id));
  await gate.shut();
  await guest.close();
  const cause = await leaveOf(owner, guest.userId);
  await gate.open();
  expect(cause).toBe('timeout');
});
