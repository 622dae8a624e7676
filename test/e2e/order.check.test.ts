import { timeLimits } from '../support/time-limits.ts';
import { testBursts, testFramesWithoutOrder } from './order-tests.ts';

testBursts(40, timeLimits.test);
testFramesWithoutOrder();
