import { joinOf } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterEach(() => {
  stack.posts.refuse = () => undefined;
});
afterAll(() => stack.close());

async function room(): Promise<{ ada: Arrived; bob: Arrived; cleo: Arrived; sessionId: string }> {
  const { owner: ada, session } = await stack.host('ada');
  const [bob, cleo] = [await stack.arrive('bob'), await stack.arrive('cleo')];
  for (const person of [bob, cleo]) {
    await person.expect('session_joined', { type: 'session_join', sessionId: session.id });
    await joinOf(ada, person.userId);
  }
  return { ada, bob, cleo, sessionId: session.id };
}

test('[DE11] a broadcast reaches all others, or the named users, and is not stored', async () => {
  const { ada, bob, cleo, sessionId } = await room();
  const before = await stack.audit(sessionId);
  const payload = JSON.parse('{"hand":"left","__proto__":[1.5,null]}');
  await ada.expect('ack', { type: 'broadcast', sessionId, event: 'wave', payload });
  for (const person of [bob, cleo]) {
    const frame = await person.next('broadcast');
    expect(frame).toMatchObject({ sessionId, userId: ada.userId, event: 'wave', at: expect.any(Number) });
    expect(JSON.stringify(frame.payload)).toBe(JSON.stringify(payload));
  }
  await ada.expect('ack', { type: 'broadcast', sessionId, event: 'nod', to: [bob.userId.toUpperCase()] });
  expect(await bob.next('broadcast')).not.toHaveProperty('payload');
  await cleo.expect('pong', { type: 'ping' });
  expect(cleo.framesOf('broadcast')).toHaveLength(1);
  expect(ada.framesOf('broadcast')).toEqual([]);
  expect(await stack.audit(sessionId)).toEqual(before);
});

test('[DE11] [SE1] a broadcast of a viewer is refused until the owner makes them a commenter', async () => {
  const { ada, bob, cleo, sessionId } = await room();
  const wave = { type: 'broadcast', sessionId, event: 'wave' };
  expect(await bob.ask(wave)).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
  bob.send(wave);
  expect(await bob.next('error', ({ requestId }) => requestId === undefined)).toMatchObject({
    code: 'PERMISSION_DENIED',
  });
  await ada.expect('ack', { type: 'participant_role', sessionId, userId: bob.userId, role: 'commenter' });
  await bob.expect('ack', wave);
  expect(await cleo.next('broadcast')).toMatchObject({ userId: bob.userId });
  const stranger = await stack.arrive('eve');
  expect(await stranger.ask(wave)).toMatchObject({ code: 'NOT_IN_SESSION' });
});

test('[DE11] a broadcast is not retried if a post fails', async () => {
  const { ada, bob, cleo, sessionId } = await room();
  stack.posts.refuse = ({ connectionId, frame }) =>
    frame?.type === 'broadcast' && connectionId === bob.connectionId ? 429 : undefined;
  await ada.expect('ack', { type: 'broadcast', sessionId, event: 'wave' });
  await cleo.next('broadcast');
  const tried = stack.posts.of('broadcast').filter(({ connectionId }) => connectionId === bob.connectionId);
  expect(tried).toHaveLength(1);
});
