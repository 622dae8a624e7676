import { joinOf, leaveOf } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, timeLimits } from '../support/time-limits.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

test('[PR7] a closed tab leaves after the short grace, also if a post found its socket gone before the service was told of the close', async () => {
  const { owner: jan, session } = await stack.host('jan');
  const sessionId = session.id;
  const lea = await stack.arrive('lea');
  await lea.expect('session_joined', { type: 'session_join', sessionId });
  await joinOf(jan, lea.userId);
  stack.posts.refuse = ({ connectionId }) => (connectionId === lea.connectionId ? 410 : undefined);
  await jan.expect('ack', { type: 'presence_update', sessionId, activity: 'typing' });
  const graces = () => stack.redis.zrange(`presence:leaving:{${sessionId}}`, '0', '-1');
  await until(async () => (await graces()).some((member) => member.endsWith(':gone')));
  const closed = performance.now();
  await lea.close();
  expect(await leaveOf(jan, lea.userId)).toBe('disconnected');
  await expectWithin(performance.now() - closed, 3000, 3000);
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + timeLimits.event;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`The condition was not met within ${timeLimits.event} ms.`);
  }
}
