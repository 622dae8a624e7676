import { timeLimits } from '../support/time-limits.ts';
import { testBursts } from './order-tests.ts';

testBursts(500, timeLimits.longTest);
