/** Puts the servers of a world in the place of the product's connections; to be imported before the product is. */
jest.mock('../../lambdas/runtime/redis.ts', () => jest.requireActual('./runtime-stand-ins.ts').redisModule);
jest.mock('../../lambdas/runtime/presence.ts', () => jest.requireActual('./runtime-stand-ins.ts').presenceModule);
jest.mock('../../lambdas/runtime/registry.ts', () => jest.requireActual('./runtime-stand-ins.ts').registryModule);
jest.mock('../../lambdas/runtime/delivery.ts', () => jest.requireActual('./runtime-stand-ins.ts').deliveryModule);
jest.mock('../../lambdas/runtime/sessions.ts', () => jest.requireActual('./runtime-stand-ins.ts').sessionsModule);
jest.mock('../../lambdas/runtime/activity.ts', () => jest.requireActual('./runtime-stand-ins.ts').activityModule);
jest.mock('../../lambdas/runtime/rate-limit.ts', () => jest.requireActual('./runtime-stand-ins.ts').rateModule);
jest.mock('../../lambdas/runtime/log.ts', () => jest.requireActual('./runtime-stand-ins.ts').logModule);
jest.mock('../../lambdas/runtime/database.ts', () => jest.requireActual('./runtime-stand-ins.ts').databaseModule);
jest.mock(
  '../../lambdas/sessions/occupied-sessions.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').occupiedModule,
);
jest.mock('../../lambdas/flows/housekeeping.ts', () => jest.requireActual('./runtime-stand-ins.ts').housekeepingModule);
jest.mock(
  '../../lambdas/flows/last-seen-updates.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').lastSeenModule,
);
jest.mock('@aws-sdk/client-lambda', () => jest.requireActual('./runtime-stand-ins.ts').lambdaModule);
