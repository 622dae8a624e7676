import { Logger } from '@aws-lambda-powertools/logger';
import type { LogLevel } from '@aws-lambda-powertools/logger/types';
import { environmentNames } from './environment.ts';

/** The logger of all functions: JSON lines on standard output, with the level `LOG_LEVEL` (default INFO). */
export const log = new Logger({
  serviceName: 'rollcall',
  logLevel: (process.env[environmentNames.logLevel]?.toUpperCase() || 'INFO') as LogLevel,
});
