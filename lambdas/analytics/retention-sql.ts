import type { OldRows } from '../platform/remove-old.ts';
import { notSetAside } from '../platform/set-aside.ts';
import { dayAt } from './rollup-sql.ts';

type Old = Omit<OldRows, 'values'>;

/** The id under which a row of a table is set aside. */
const keyOf = (table: string, columns: readonly string[]) =>
  `'${table} ' || ${columns.map((column) => `t.${column}`).join(" || ' ' || ")}`;

const isOnList = (key: string) => notSetAside('old-count', key, time('$2'));

function time(parameter: string): string {
  return `to_timestamp(${parameter}::float8 / 1000)`;
}

/** The rows of one day, the oldest before $1 with rows that are not set aside at $2, of a table that names sessions or people. */
function ofOldestDay(table: string, columns: readonly string[]): Old {
  const key = keyOf(table, columns);
  const day = `SELECT t.day FROM ${table} t WHERE t.day < ${dayAt('$1')} AND ${isOnList(key)} ORDER BY t.day LIMIT 1`;
  return { step: 'old-count', table, key, due: `t.day = (${day}) AND ${isOnList(key)}` };
}

export const namedRows: readonly Old[] = [
  ofOldestDay('analytics_sessions', ['day', 'session_id']),
  ofOldestDay('analytics_people', ['day', 'person_id']),
];

function counts(table: string, condition: string, columns: readonly string[]): Old {
  const key = keyOf(table, columns);
  return { step: 'old-count', table, key, due: `${condition} AND ${isOnList(key)}` };
}

const days = counts('analytics_days', `t.day < ${dayAt('$1')}`, ['day']);

/** The counts before $1, without those that are set aside at $2. The sum of the joins and leaves of removed days is kept. */
export const oldCounts: readonly Old[] = [
  {
    ...days,
    within: (deletion) => `
      WITH days AS (${deletion} RETURNING joined - departed AS change)
      UPDATE analytics_progress SET balance = balance + coalesce((SELECT sum(change) FROM days), 0)`,
  },
  counts('analytics_minutes', `t.minute < ${time('$1')}`, ['minute']),
  counts('analytics_hours', `t.hour < ${time('$1')}`, ['hour']),
  counts('analytics_types', `t.day < ${dayAt('$1')}`, ['day', 'activity_type']),
  counts('analytics_counts', `t.hour < ${time('$1')}`, ['hour', 'figure', 'label']),
];

/** Removes all of {@link oldCounts}. */
export const removeCounts = `
  WITH ${oldCounts.map(deletionOf).join(', ')}
  UPDATE analytics_progress SET balance = balance + coalesce((SELECT sum(change) FROM ${days.table}_gone), 0)`;

function deletionOf({ table, due }: Old): string {
  const returning = table === days.table ? 'RETURNING joined - departed AS change' : '';
  return `${table}_gone AS (DELETE FROM ${table} t WHERE ${due} ${returning})`;
}
