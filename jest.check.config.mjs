import config from './jest.config.mjs';

/** `npm run test:check`: what `npm run check` runs beside `npm test`. Packages, browsers, programs that start and end, and large rooms. */
process.env['TEST_LONG'] = '1';

export default {
  ...config,
  testMatch: ['<rootDir>/test/**/*.check.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Most of them use a core all the time.
  maxWorkers: 3,
};
