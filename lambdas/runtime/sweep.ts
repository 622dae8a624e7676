import type { Context, ScheduledEvent } from 'aws-lambda';
import { log } from './log.ts';

/** Kept back from the function's own time limit, so that a sweep ends by itself. */
const reserveMillis = 3000;

/** How much time a sweep has. */
export interface SweepTime {
  /** Milliseconds left before the sweep has to end. */
  remaining(): number;
}

/** A sweep under way. */
export interface SweepRun extends SweepTime {
  /** Whether the clock started it, and not somebody's coming. */
  isScheduled: boolean;
}

/** The adapter between a schedule and a sweep: it bounds the time and logs a failure once, with its context. */
export function sweep(name: string, work: (run: SweepRun) => Promise<void>) {
  return async (event: Partial<ScheduledEvent>, context: Context): Promise<void> => {
    try {
      const remaining = () => context.getRemainingTimeInMillis() - reserveMillis;
      await work({ remaining, isScheduled: event.source === 'aws.events' });
    } catch (error) {
      log.error(`The ${name} sweep failed`, { eventId: event.id, error: error as Error });
      throw error;
    }
  };
}
