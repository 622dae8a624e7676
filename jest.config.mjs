/** Jest compiles TypeScript with swc (types are checked apart, by `tsc`), as CommonJS so that mocks work as documented. */
const esmOnlyPackages = [
  'jose',
  'leven',
  'uuid',
  'node-pg-migrate',
  'glob',
  '@aws-lambda-powertools',
  'yargs',
  'csv-stringify',
];

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/test/**/*.test.tsx'],
  // `npm test` ends within minutes. The others run with `npm run test:check` and `npm run test:long`, by their own configurations.
  testPathIgnorePatterns: ['/node_modules/', '\\.(check|long)\\.test\\.ts$'],
  transform: {
    '\\.lua$': '<rootDir>/test/support/lua-text.cjs',
    '\\.(ts|tsx|mjs|js)$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', tsx: false },
          transform: { react: { runtime: 'automatic' } },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnlyPackages.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/.rollcall'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/limit-tests.ts'],
  // Many tests wait for servers and timers: two more workers use what two cores have left.
  maxWorkers: 4,
};
