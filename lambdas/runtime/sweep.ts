import type { Context, ScheduledEvent } from 'aws-lambda';
import { log } from './log.ts';

/** Kept back from the function's own time limit, so that a sweep ends by itself. */
const reserveMillis = 3000;

/** How much time a sweep has. */
export interface SweepTime {
  /** Milliseconds left before the sweep has to end. */
  remaining(): number;
}

/** What started a sweep: the clock, somebody who came when none ran, or a sweep that has too much to do. */
export type SweepCause = 'schedule' | 'arrival' | 'load';

/** The event of a sweep that the product itself starts. */
export interface SweepEvent {
  cause?: 'load';
}

/** A sweep under way. */
export interface SweepRun extends SweepTime {
  cause: SweepCause;
  /** Names this run among all others. */
  id: string;
  /** The function that runs, by which it can start another sweep. */
  functionName: string;
}

/** The adapter between a schedule and a sweep: it bounds the time and logs a failure once, with its context. */
export function sweep(name: string, work: (run: SweepRun) => Promise<void>) {
  return async (event: Partial<ScheduledEvent> & SweepEvent, context: Context): Promise<void> => {
    try {
      const remaining = () => context.getRemainingTimeInMillis() - reserveMillis;
      await work({ remaining, cause: causeOf(event), id: context.awsRequestId, functionName: context.functionName });
    } catch (error) {
      log.error(`The ${name} sweep failed`, { eventId: event.id, error: error as Error });
      throw error;
    }
  };
}

function causeOf({ source, cause }: Partial<ScheduledEvent> & SweepEvent): SweepCause {
  if (source === 'aws.events') return 'schedule';
  return cause ?? 'arrival';
}
