import { timeLimits } from './time-limits.ts';

/** Jest runs this in front of every test file: hooks and tests get their limit from one place. */
jest.setTimeout(process.env['TEST_LONG'] === '1' ? timeLimits.longTest : timeLimits.test);
