import { joinOf, leavesOf } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings } from '../support/time-limits.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack(scaleSettings({ PRESENCE_UPDATE_SECONDS: '1', HEARTBEAT_TIMEOUT_SECONDS: '1' }));
});
afterAll(() => stack.close());

test('[PR17] a hidden tab is shown away, outlasts the time-out, and is online with its next frame', async () => {
  const { owner, session } = await stack.host('ada');
  const sessionId = session.id;
  const [bob, cleo] = [await stack.arrive('bob'), await stack.arrive('cleo')];
  for (const person of [bob, cleo]) {
    await person.expect('session_joined', { type: 'session_join', sessionId });
    await joinOf(owner, person.userId);
  }
  const beats = setInterval(() => owner.send({ type: 'heartbeat', sessionId }), 300);
  bob.send({ type: 'heartbeat', sessionId, hidden: true });
  const away = (status: string) =>
    owner.next('presence_diff', ({ updates }) =>
      updates.some((change) => change.userId === bob.userId && change.status === status),
    );
  await away('away');
  // Who says nothing is gone after the time-out; by then the hidden tab would be, too.
  await owner.next('presence_diff', ({ leaves }) => leaves.some(({ userId }) => userId === cleo.userId));
  await owner.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(leavesOf(owner, bob.userId)).toBe(0);
  bob.send({ type: 'heartbeat', sessionId });
  await away('online');
  clearInterval(beats);
});
