import { timeLimits } from './time-limits.ts';

// Handlers that run in the process of a test write no metrics to its output.
process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';

/** Jest runs this file before each test file. It sets the time limit of hooks and tests. */
jest.setTimeout(process.env['TEST_LONG'] === '1' ? timeLimits.longTest : timeLimits.test);
