import type { Queryable } from './database.ts';
import { removeOld } from './remove-old.ts';
import { notSetAside } from './set-aside.ts';

const key = `t.step || ' ' || t.id`;
const time = 'to_timestamp($1::float8 / 1000)';
const due = `t.retry_at < ${time} - interval '7 days' AND ${notSetAside('forget-aside', key, time)}`;

/**
 * Deletes the rows of `sweep_set_aside` that have not failed in the last week.
 *
 * @param now Unix milliseconds.
 * @returns how many were deleted.
 */
export function forgetSetAside(database: Queryable, now: number): Promise<number> {
  return removeOld(database, () => now, { step: 'forget-aside', table: 'sweep_set_aside', key, due, values: [now] });
}
