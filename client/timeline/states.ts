import type { ChainFault } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import type { TrailFault, TrailVerification } from '../verify/verify-trail.ts';

/** What a verification says about a row: a fault, or whether it is proved. `unproved` rows come after a fault. */
export type RowState = ChainFault | 'proved' | 'unproved' | 'waiting' | 'unchecked';

/** A row of the audit trail, or the place of a row that is missing. */
export interface TimelineRow {
  entry?: ActivityItem;
  /** The number of its link. */
  sequence?: number;
  /** Absent without a verification. */
  state?: RowState;
}

/** The rows with their states. `breakAt` is the time of the first row with a fault, if there is one. */
export interface TimelineRows {
  rows: TimelineRow[];
  broken?: TimelineRow;
  breakAt?: number;
}

function sequenceOf({ link }: ActivityItem): number | undefined {
  const sequence = typeof link === 'object' ? link?.sequence : undefined;
  return Number.isSafeInteger(sequence) && sequence! > 0 ? sequence : undefined;
}

/** The entry with the name that was sealed, instead of a later name of the user. */
export function withSealedName(entry: ActivityItem): ActivityItem {
  const { link } = entry;
  const name = typeof link === 'object' ? link?.sealed?.username : undefined;
  return name === undefined ? entry : { ...entry, username: name };
}

/**
 * Marks each entry with what the verification says about it.
 *
 * @param entries oldest first.
 */
export function rowsOf(entries: readonly ActivityItem[], verification?: TrailVerification): TimelineRows {
  const rows: TimelineRow[] = entries.map((entry) => ({ entry, sequence: sequenceOf(entry)! }));
  if (!verification) return { rows };
  const { faults, unchecked } = verification;
  /** An entry without a link is before the links of the entries after it. */
  const placeOf = ({ sequence, activityId }: TrailFault) => {
    const index = entries.findIndex(({ id }) => id === activityId);
    return sequence ?? Math.min(...entries.slice(index).map((entry) => sequenceOf(entry) ?? Number.MAX_VALUE)) - 0.5;
  };
  const first = Math.min(...faults.map((fault) => fault.after ?? placeOf(fault)));
  for (const row of rows) {
    const { id, link } = row.entry!;
    const fault = faults.find(({ activityId }) => activityId === id);
    if (fault) row.state = fault.fault;
    else if (row.sequence === undefined) row.state = link === 'waiting' ? link : 'unproved';
    else if (row.sequence > first) row.state = 'unproved';
    else row.state = unchecked.includes(id) ? 'unchecked' : 'proved';
  }
  for (const { activityId, sequence, fault } of faults) {
    if (activityId !== null) continue;
    const next = rows.findIndex((row) => row.sequence! > sequence!);
    rows.splice(next < 0 ? rows.length : next, 0, { sequence: sequence!, state: fault });
  }
  const worst = faults.toSorted((one, other) => placeOf(one) - placeOf(other))[0];
  if (!worst) return { rows };
  const { activityId, sequence } = worst;
  const at = rows.findIndex(({ entry, ...row }) =>
    activityId === null ? !entry && row.sequence === sequence : entry?.id === activityId,
  );
  const near = rows.slice(at).find(({ entry }) => entry) ?? rows.findLast(({ entry }) => entry);
  return { rows, broken: rows[at]!, breakAt: near?.entry?.createdAt ?? 0 };
}

/** Whether the row itself has a fault. */
export const isBroken = ({ state }: TimelineRow) => /_/.test(state ?? '');
