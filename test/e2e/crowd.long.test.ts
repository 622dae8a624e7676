import { startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';
import { testCrowd } from './crowd-tests.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

testCrowd(() => stack, 50, timeLimits.longTest);
