import { timeLimits } from './time-limits.ts';

/** Jest runs this file before each test file. It sets the time limit of hooks and tests. */
jest.setTimeout(process.env['TEST_LONG'] === '1' ? timeLimits.longTest : timeLimits.test);
