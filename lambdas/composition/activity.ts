import { ActivityLogger } from '../activity/activity-logger.ts';
import { database, sweepDatabase } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';
import { outbox } from './outbox.ts';

const retentionMillis = timings.activityRetentionMillis;

/** The audit trail, for functions that answer somebody. */
export const activity = once(() => new ActivityLogger({ pool: database(), outbox: outbox(), retentionMillis }));

/** The same for scheduled work, whose statements may take longer. */
export const sweepActivity = once(
  () => new ActivityLogger({ pool: sweepDatabase(), outbox: outbox(), retentionMillis }),
);

/** The audit trail for those who only read it: they are granted no outbox. */
export const activityReader = once(() => new ActivityLogger({ pool: database(), retentionMillis }));

/** The same for questions about all entries of a session: of millions of them an answer may take seconds. */
export const activityReports = once(() => new ActivityLogger({ pool: sweepDatabase(), retentionMillis }));
