import config from './jest.config.mjs';

/** `npm run test:long`: campaigns, simulations and chaos at full length. */
process.env['TEST_LONG'] = '1';

export default {
  ...config,
  testMatch: ['<rootDir>/test/**/*.long.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // They use both cores all the time.
  maxWorkers: 2,
};
