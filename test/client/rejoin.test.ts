import type { Client, Session } from '../../client/index.ts';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { Refusal } from '../../client/testing/refusal.ts';
import type { ErrorCode } from '../../protocol/errors.ts';

// A session joins again on a socket that may be dead, or the service refuses that join.

const second = 1000;
const minute = 60 * second;

let rollcall: TestRollcall;
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => rollcall.close());

async function arrive(user: string): Promise<{ client: Client; session: Session; told: string[] }> {
  const client = rollcall.client(user);
  const session = client.open('doc');
  await session.ready;
  await rollcall.settle();
  const told: string[] = [];
  session.on('state', (state) => told.push(state));
  session.on('error', ({ code }) => told.push(code));
  return { client, session, told };
}

/** The service refuses that bob opens the session, until the returned function is called. */
function refuseJoins(code: ErrorCode): () => void {
  rollcall.service.intercept = ({ type }, userId) =>
    type === 'session_open' && userId === 'bob' ? new Refusal(code, 'Try again.') : undefined;
  return () => {
    rollcall.service.intercept = undefined;
  };
}

/** The service does not know any more that bob is in the session. It says so to the next frame. */
async function forget(session: Session): Promise<void> {
  const refuseJoin = rollcall.service.intercept;
  rollcall.service.intercept = (frame, userId) =>
    frame.type === 'presence_update' && userId === 'bob'
      ? new Refusal('NOT_IN_SESSION', 'You are not in this session; join it first.')
      : refuseJoin?.(frame, userId);
  session.setActivity('editing');
  await rollcall.settle();
  rollcall.service.intercept = refuseJoin;
}

test('[row 2] [CL7] after a sleep without a network at its end, the session is stale until the network is back', async () => {
  const ada = await arrive('ada');
  const { client, session } = await arrive('bob');
  const device = rollcall.device(client);
  const wake = rollcall.freeze(client);
  await rollcall.advance(5 * minute);
  device.cut(false);
  await wake();
  session.setActivity('back');
  await rollcall.advance(3 * second);
  expect(session.state).toBe('stale');
  expect(session.getSnapshot().isStale).toBe(true);
  device.restore();
  await rollcall.advance(minute);
  expect(session.state).toBe('joined');
  expect(ada.session.others[0]?.activity).toBe('back');
});

test.each(['UNAVAILABLE', 'INTERNAL'] as const)(
  '[CL3] [CL7] while the service answers a second join with %s, the session is stale, and the client tries again',
  async (code) => {
    const ada = await arrive('ada');
    const { session, told } = await arrive('bob');
    const accept = refuseJoins(code);
    await forget(session);
    expect(told).toEqual(['stale']);
    await rollcall.advance(10 * second);
    expect(session.state).toBe('stale');
    accept();
    await rollcall.advance(3 * second);
    expect(told).toEqual(['stale', 'joined']);
    expect(ada.session.others[0]?.activity).toBe('editing');
  },
);

test.each([
  ['PERMISSION_DENIED', 'left'],
  ['SESSION_NOT_FOUND', 'left'],
  ['SESSION_INACTIVE', 'ended'],
] as const)(
  'if the service answers a second join with %s, the session is %s, and the error says why',
  async (code, state) => {
    const { session, told } = await arrive('bob');
    refuseJoins(code);
    await forget(session);
    expect(told).toEqual([state, code]);
  },
);

test('[CL2] if a bug of the service fails the join on a new socket, the session stays joined on the old one, and the client tries again', async () => {
  const ada = await arrive('ada');
  const { client, session, told } = await arrive('bob');
  const accept = refuseJoins('INTERNAL');
  rollcall.device(client).tell('network');
  await rollcall.advance(10 * second);
  session.setActivity('editing');
  await rollcall.settle();
  expect(ada.session.others[0]?.activity).toBe('editing');
  accept();
  await rollcall.advance(minute);
  expect(told).toEqual([]);
  expect(ada.session.others[0]?.connections).toBe(1);
});
