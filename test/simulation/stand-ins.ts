/** Puts the servers of a world in the place of the product's connections; to be imported before the product is. */
jest.mock('../../lambdas/platform/redis.ts', () => jest.requireActual('./runtime-stand-ins.ts').redisModule);
jest.mock('../../lambdas/services/presence.ts', () => jest.requireActual('./runtime-stand-ins.ts').presenceModule);
jest.mock('../../lambdas/services/registry.ts', () => jest.requireActual('./runtime-stand-ins.ts').registryModule);
jest.mock('../../lambdas/services/delivery.ts', () => jest.requireActual('./runtime-stand-ins.ts').deliveryModule);
jest.mock('../../lambdas/services/sessions.ts', () => jest.requireActual('./runtime-stand-ins.ts').sessionsModule);
jest.mock('../../lambdas/services/activity.ts', () => jest.requireActual('./runtime-stand-ins.ts').activityModule);
jest.mock(
  '../../lambdas/flows/connections/rate-limit.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').rateModule,
);
jest.mock('../../lambdas/platform/log.ts', () => jest.requireActual('./runtime-stand-ins.ts').logModule);
jest.mock('../../lambdas/platform/database.ts', () => jest.requireActual('./runtime-stand-ins.ts').databaseModule);
jest.mock(
  '../../lambdas/sessions/occupied-sessions.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').occupiedModule,
);
jest.mock(
  '../../lambdas/flows/sweep/housekeeping.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').housekeepingModule,
);
jest.mock(
  '../../lambdas/flows/sweep/last-seen-updates.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').lastSeenModule,
);
jest.mock('@aws-sdk/client-lambda', () => jest.requireActual('./runtime-stand-ins.ts').lambdaModule);
