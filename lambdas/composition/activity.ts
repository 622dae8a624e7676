import { ActivityLogger } from '../activity/activity-logger.ts';
import { database, sweepDatabase } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';
import { outbox } from './outbox.ts';

const retentionMillis = timings.activityRetentionMillis;

/** The audit trail, for functions that answer a request. */
export const activity = once(() => new ActivityLogger({ pool: database(), outbox: outbox(), retentionMillis }));

/** The audit trail, for scheduled work, whose statements may take longer. */
export const sweepActivity = once(
  () => new ActivityLogger({ pool: sweepDatabase(), outbox: outbox(), retentionMillis }),
);

/** The audit trail, for functions that only read it. It does not use the outbox, so they need no permission for it. */
export const activityReader = once(() => new ActivityLogger({ pool: database(), retentionMillis }));

/** The audit trail, for queries over all entries of a session: with millions of entries an answer may take seconds. */
export const activityReports = once(() => new ActivityLogger({ pool: sweepDatabase(), retentionMillis }));
