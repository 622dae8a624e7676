import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, LogLevel, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { environmentNames } from './environment.ts';
import { logContext } from './log-context.ts';
import { withSourcePositions } from './source-positions.ts';

// The level of the function's configuration on AWS replaces the one that is set here. The stack uses it only for the lines of
// Lambda itself.
delete process.env['AWS_LAMBDA_LOG_LEVEL'];

/** Adds the ids of the present work to each line, and names the source files in the stack of an error. */
class LineFormat extends LogFormatter {
  formatAttributes(line: UnformattedAttributes, more: LogAttributes): LogItem {
    const attributes = {
      level: line.logLevel,
      message: line.message,
      timestamp: this.formatTimestamp(line.timestamp),
      service: line.serviceName,
      ...(line.xRayTraceId ? { xray_trace_id: line.xRayTraceId } : {}),
      ...logContext(),
    };
    return new LogItem({ attributes }).addAttributes(more);
  }

  override formatError(error: Error): LogAttributes {
    const stack = error.stack && withSourcePositions(error.stack);
    return { ...super.formatError(error), location: this.getCodeLocation(stack), stack };
  }
}

/** The logger of all functions: JSON lines on standard output, with the level `LOG_LEVEL` (default INFO). */
export const log = new Logger({
  serviceName: 'rollcall',
  logLevel: (process.env[environmentNames.logLevel]?.toUpperCase() || 'INFO') as LogLevel,
  logFormatter: new LineFormat(),
});
