import type { Context, ScheduledEvent } from 'aws-lambda';
import type { SweepCause, SweepEvent, SweepRun } from '../flows/scheduling/sweep-run.ts';
import { withLogContext } from '../platform/log-context.ts';
import type { Services } from '../services/services.ts';

/** Reserved of the time limit of the function, so that a sweep ends by itself. */
const reserveMillis = 3000;

/** The adapter between a schedule and a sweep. It sets the time limit and logs a failure once, with its context. */
export function sweep(
  name: string,
  { log, metrics }: Pick<Services, 'log' | 'metrics'>,
  work: (run: SweepRun) => Promise<void>,
) {
  return async (event: Partial<ScheduledEvent> & SweepEvent, context: Context): Promise<void> => {
    const { awsRequestId: id, invokedFunctionArn: functionName } = context;
    return withLogContext({ requestId: id }, async () => {
      try {
        const remaining = () => context.getRemainingTimeInMillis() - reserveMillis;
        await work({ remaining, cause: causeOf(event), id, functionName });
      } catch (error) {
        log.error(`The ${name} sweep failed`, { eventId: event.id, error: error as Error });
        throw error;
      } finally {
        metrics.writeAll();
      }
    });
  };
}

function causeOf({ source, cause }: Partial<ScheduledEvent> & SweepEvent): SweepCause {
  if (source === 'aws.events') return 'schedule';
  return cause ?? 'arrival';
}
