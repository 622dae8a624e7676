import { createClientIn } from '../../client/client.ts';
import type { Socket } from '../../client/environment.ts';
import type { Client, Session } from '../../client/index.ts';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { Refusal } from '../../client/testing/refusal.ts';
import type { AccessClaim } from '../../protocol/access-claim.ts';

// A client replaces its socket: make before break. Meanwhile two sockets are open, and a session may be joined on either.

const second = 1000;
const minute = 60 * second;

let rollcall: TestRollcall;
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => rollcall.close());

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    ({ code }) => code,
  );
const changeNetwork = async (client: Client) => {
  rollcall.device(client).tell('network');
  await rollcall.settle();
};

/** The frames of these types about one session, or all, are lost from now on. */
function lose(types: RegExp, sessionId?: string): void {
  rollcall.service.intercept = (frame) =>
    types.test(frame.type) && (!sessionId || frame.sessionId === sessionId || frame['key'] === sessionId)
      ? 'drop'
      : undefined;
}

/** Another user in the session. */
async function watch(key: string): Promise<Session> {
  const session = rollcall.client('ada').open(key);
  await session.ready;
  return session;
}

/** The leaves that a user is told from now on. */
function leavesOf(session: Session): string[] {
  const left: string[] = [];
  session.on('left', ({ user, cause }) => left.push(`${user.userId} ${cause}`));
  return left;
}

test('[CL2] [SE12] a request is sent on the socket on which its session is joined, with the rights of that token', async () => {
  await watch('plan');
  await watch('notes');
  let role: AccessClaim[string] = 'viewer';
  const token = () => rollcall.token('bob', { tokenSeconds: 50, sessions: { '*': role } });
  const bob = rollcall.client('bob', { token });
  const [plan, notes] = [bob.open('plan'), bob.open('notes')];
  await Promise.all([plan.ready, notes.ready]);
  expect(await errorOf(plan.logActivity('noted'))).toBe('PERMISSION_DENIED');
  // The second session is not joined on the new socket, so the old one stays the socket of the connection.
  lose(/^session_open$/, 'notes');
  role = 'commenter';
  await changeNetwork(bob);
  expect([plan.role, notes.role]).toEqual(['commenter', 'viewer']);
  expect(await errorOf(plan.logActivity('noted'))).toBe('none');
  expect(await errorOf(notes.logActivity('noted'))).toBe('PERMISSION_DENIED');
});

test('[CL2] [CL9] if the new socket is given up before all sessions have joined, the others use the old one again', async () => {
  const hers = await watch('plan');
  const bob = rollcall.client('bob');
  const plan = bob.open('plan');
  const notes = bob.open('notes');
  await Promise.all([plan.ready, notes.ready]);
  lose(/^session_open$/, 'notes');
  await changeNetwork(bob);
  // No further handshake succeeds. The attempt is older than five seconds, so the event ends it; the join fails after ten.
  lose(/^hello$/);
  await rollcall.advance(6 * second);
  rollcall.device(bob).tell('visible');
  await rollcall.advance(6 * second);
  plan.setData({ colour: 'teal' });
  const answer = errorOf(plan.queryActivity());
  await rollcall.settle();
  expect(hers.others[0]?.data).toEqual({ colour: 'teal' });
  expect(await answer).toBe('none');
});

test('[CL2] [FA3] while the service accepts no join, a replaced socket stays open, and nobody sees a leave', async () => {
  const hers = await watch('plan');
  const left = leavesOf(hers);
  const bob = rollcall.client('bob');
  const his = bob.open('plan');
  await his.ready;
  const states: string[] = [];
  his.on('state', (state) => states.push(state));
  rollcall.service.intercept = ({ type }) =>
    type === 'session_open' ? new Refusal('UNAVAILABLE', 'The database is away; try again.') : undefined;
  for (let change = 0; change < 2; change += 1) {
    await changeNetwork(bob);
    await rollcall.advance(minute);
    his.setData({ change });
    await rollcall.settle();
    expect(hers.others[0]?.data).toEqual({ change });
  }
  rollcall.service.intercept = undefined;
  await rollcall.advance(minute);
  expect(left).toEqual([]);
  expect(states).toEqual([]);
  expect(hers.others[0]?.connections).toBe(1);
});

/** A socket of the in-memory service, from both sides. */
interface TwoSidedSocket extends Socket {
  receive(text: string): void;
  end(code: number): void;
  server: { onClose(code: number): void };
}

/** A client of which chosen answers arrive late, and whose first socket can break. */
function slowClient(token: () => string) {
  const device = rollcall.device(rollcall.client('bob'));
  const { WebSocket } = device.environment;
  let kind: string | undefined;
  const held: (() => void)[] = [];
  const sockets: TwoSidedSocket[] = [];
  function Slow(url: string, protocols: string[]): Socket {
    const socket = new WebSocket!(url, protocols) as TwoSidedSocket;
    sockets.push(socket);
    const receive = socket.receive.bind(socket);
    socket.receive = (text) => (kind && text.includes(kind) ? held.push(() => receive(text)) : receive(text));
    return socket;
  }
  const environment = { ...device.environment, WebSocket: Slow as unknown as typeof WebSocket & object };
  return {
    device,
    client: createClientIn(environment, { url: 'ws://rollcall.test/live', token }),
    hold: (type: string) => {
      kind = `"${type}"`;
    },
    release: () => {
      kind = undefined;
      for (const go of held.splice(0)) go();
    },
    breakFirst() {
      sockets[0]!.server.onClose(1006);
      sockets[0]!.end(1006);
    },
  };
}

test('[CL2] [SE12] the shown role is that of the socket on which requests are sent', async () => {
  const hers = await watch('plan');
  let role: AccessClaim[string] = 'viewer';
  const token = () => rollcall.token('bob', { tokenSeconds: 50, sessions: { '*': role } });
  const { client: bob, device, hold, release } = slowClient(token);
  const plan = bob.open('plan');
  await plan.ready;
  role = 'commenter';
  hold('session_opened');
  device.tell('network');
  await rollcall.settle();
  // The others, and the older socket, learn of the new role before the answer of the join arrives.
  expect([hers.others[0]?.role, plan.self?.role, plan.role]).toEqual(['commenter', 'commenter', 'viewer']);
  expect(await errorOf(plan.logActivity('noted'))).toBe('PERMISSION_DENIED');
  release();
  await rollcall.settle();
  expect(plan.role).toBe('commenter');
  expect(await errorOf(plan.logActivity('noted'))).toBe('none');
  bob.close();
});

test('[CL2] a session that is created while the socket is replaced ends up on the new socket', async () => {
  const { client: bob, device, hold, release } = slowClient(() => rollcall.token('bob'));
  bob.connect();
  await rollcall.settle();
  hold('session_created');
  const creating = bob.create({ operationId: 'op', metadata: { isPublic: true } });
  await rollcall.settle();
  device.tell('network');
  await rollcall.settle();
  release();
  const his = await creating;
  const hers = rollcall.client('ada').join(his.id);
  await hers.ready;
  const left = leavesOf(hers);
  await rollcall.advance(minute);
  his.setActivity('here');
  await rollcall.settle();
  expect(hers.others[0]).toMatchObject({ activity: 'here', connections: 1 });
  expect(left).toEqual([]);
  bob.close();
});

describe('a replaced socket breaks before the answers on it arrive, while the session is joined on the new one', () => {
  /** A client with two sockets; the frames of these types were lost on the first one, before it broke. */
  async function breakAfter(types: RegExp, send: (session: Session, client: Client) => void): Promise<Session> {
    const { client, device, breakFirst } = slowClient(() => rollcall.token('bob'));
    const session = client.open('plan');
    await session.ready;
    await rollcall.advance(second);
    lose(types);
    send(session, client);
    await rollcall.settle();
    rollcall.service.intercept = undefined;
    device.tell('network');
    await rollcall.settle();
    breakFirst();
    await rollcall.advance(second);
    return session;
  }

  test('[CL2] [CL3] a change is sent again on the new one', async () => {
    const hers = await watch('plan');
    const his = await breakAfter(/^presence_update$/, (session) => {
      session.setActivity('reading');
      session.setData({ page: 3 });
      session.setStatus('away');
    });
    expect(his.state).toBe('joined');
    expect(hers.others[0]).toMatchObject({ status: 'away', activity: 'reading', data: { page: 3 } });
  });

  test('[CL3] [CL9] a request that may be repeated is answered on the new one, and one that must not be repeated fails', async () => {
    await watch('plan');
    const told: string[] = [];
    await breakAfter(/^(activity_query|machine_list|invite_create)$/, (session, client) => {
      const requests = {
        query: session.queryActivity(),
        list: client.machines.list(),
        invite: session.createInvite({ role: 'viewer' }),
      };
      for (const [name, request] of Object.entries(requests))
        void errorOf(request).then((code) => told.push(`${name} ${code}`));
    });
    expect(told.sort()).toEqual(['invite UNAVAILABLE', 'list none', 'query none']);
  });
});
