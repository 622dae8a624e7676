import { timeLimits } from '../support/time-limits.ts';
import { testBursts, testFramesWithoutOrder } from './order-tests.ts';

testBursts(80, timeLimits.test);
testFramesWithoutOrder();
