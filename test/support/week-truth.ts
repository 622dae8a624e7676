import type { SimulatedWeek } from '../../bench/week/simulated-week.ts';
import type { Stay } from '../../protocol/entities.ts';

// What is true of a simulated week, without the audit trail.

/** Who is present at a time, in the order of the joins. */
export function trulyPresent({ stays }: SimulatedWeek, at: number): Stay[] {
  return stays
    .filter(({ joinedAt, leftAt }) => joinedAt <= at && at < (leftAt ?? Number.POSITIVE_INFINITY))
    .sort((one, other) => one.joinedAt - other.joinedAt || (one.userId < other.userId ? -1 : 1));
}

/** What the attendance of a period must say, by user. */
export function attendanceIn({ stays }: SimulatedWeek, from: number, to: number) {
  const within = stays
    .filter(({ joinedAt, leftAt }) => joinedAt <= to && (joinedAt >= from || (leftAt ?? to) > from))
    .map((stay) => ({ ...stay, since: Math.max(from, stay.joinedAt), until: Math.min(to, stay.leftAt ?? to) }));
  return [...Map.groupBy(within, ({ userId }) => userId)]
    .map(([userId, own]) => {
      const ordered = own.sort((one, other) => one.joinedAt - other.joinedAt);
      const last = ordered.at(-1)!;
      return {
        ...{ userId, username: last.username, stays: own.length },
        firstSeenAt: ordered[0]!.since,
        lastSeenAt: last.until,
        totalMillis: own.reduce((sum, { since, until }) => sum + until - since, 0),
        isPresent: last.leftAt === null || last.leftAt > to,
      };
    })
    .sort((one, other) => one.firstSeenAt - other.firstSeenAt || (one.userId < other.userId ? -1 : 1));
}
