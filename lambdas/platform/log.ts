import { Logger } from '@aws-lambda-powertools/logger';
import type { LogLevel } from '@aws-lambda-powertools/logger/types';
import { environmentNames } from './environment.ts';

// The level of the function's configuration on AWS replaces the one that is set here. The stack uses it only for the lines of
// Lambda itself.
delete process.env['AWS_LAMBDA_LOG_LEVEL'];

/** The logger of all functions: JSON lines on standard output, with the level `LOG_LEVEL` (default INFO). */
export const log = new Logger({
  serviceName: 'rollcall',
  logLevel: (process.env[environmentNames.logLevel]?.toUpperCase() || 'INFO') as LogLevel,
});
