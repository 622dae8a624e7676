import { Logger } from '@aws-lambda-powertools/logger';
import type { LogLevel } from '@aws-lambda-powertools/logger/types';
import { environmentNames } from './environment.ts';

/** The one logger: JSON lines on standard output, with the level of `LOG_LEVEL` (INFO). */
export const log = new Logger({
  serviceName: 'rollcall',
  logLevel: (process.env[environmentNames.logLevel]?.toUpperCase() || 'INFO') as LogLevel,
});
