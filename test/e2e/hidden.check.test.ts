import { changeOf, joinOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { type PresentUsers, whilePresent } from '../support/silence.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { scaleSettings } from '../support/time-limits.ts';

const settings = scaleSettings({ PRESENCE_UPDATE_SECONDS: '1', HEARTBEAT_TIMEOUT_SECONDS: '1' });
const timeoutMillis = Number(settings.HEARTBEAT_TIMEOUT_SECONDS) * 1000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack(settings);
});
afterAll(() => stack.close());

test('[PR17] a hidden tab is shown as away, does not time out, and is online with its next frame', () =>
  whilePresent(timeoutMillis, hideATab, () => {}));

async function hideATab({ attempt, silence }: PresentUsers): Promise<void> {
  const { owner, session } = await stack.host(`ada-${attempt}`);
  const sessionId = session.id;
  const stop = await stayPresent(owner, sessionId);
  const [bob, cleo] = [await stack.arrive(`bob-${attempt}`), await stack.arrive(`cleo-${attempt}`)];
  await cleo.expect('session_joined', { type: 'session_join', sessionId });
  await joinOf(owner, cleo.userId);
  const beforeHidden = silence();
  await bob.expect('session_joined', { type: 'session_join', sessionId });
  await bob.expect('ack', { type: 'heartbeat', sessionId, hidden: true });
  beforeHidden.stop();
  const shownAs = (status: string) => changeOf(owner, bob.userId, (change) => change['status'] === status);
  await shownAs('away');
  // A silent user leaves after the timeout; without the mark the hidden tab would have left by then, too.
  expect(await leaveOf(owner, cleo.userId)).toBe('timeout');
  await owner.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(leavesOf(owner, bob.userId)).toBe(0);
  await bob.expect('ack', { type: 'heartbeat', sessionId });
  await shownAs('online');
  stop();
}
