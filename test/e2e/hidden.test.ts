import { changeOf, joinOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings } from '../support/time-limits.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack(scaleSettings({ PRESENCE_UPDATE_SECONDS: '1', HEARTBEAT_TIMEOUT_SECONDS: '1' }));
});
afterAll(() => stack.close());

test('[PR17] a hidden tab is shown as away, does not time out, and is online with its next frame', async () => {
  const { owner, session } = await stack.host('ada');
  const sessionId = session.id;
  const [bob, cleo] = [await stack.arrive('bob'), await stack.arrive('cleo')];
  for (const person of [bob, cleo]) {
    await person.expect('session_joined', { type: 'session_join', sessionId });
    await joinOf(owner, person.userId);
  }
  const stop = await stayPresent(owner, sessionId);
  await bob.expect('ack', { type: 'heartbeat', sessionId, hidden: true });
  const shownAs = (status: string) => changeOf(owner, bob.userId, (change) => change['status'] === status);
  await shownAs('away');
  // A silent user leaves after the timeout; without the mark the hidden tab would have left by then, too.
  expect(await leaveOf(owner, cleo.userId)).toBe('timeout');
  await owner.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(leavesOf(owner, bob.userId)).toBe(0);
  await bob.expect('ack', { type: 'heartbeat', sessionId });
  await shownAs('online');
  stop();
});
