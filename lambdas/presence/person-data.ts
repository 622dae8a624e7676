import type { PersonData, Status } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ChangedData, KeptData } from '../platform/kept-data.ts';
import type { ChangedDataReply } from './scripts/script-call.ts';

/** The newest data among the connections of a user, as JSON. */
export function newestData(kept: readonly KeptData[]): string | undefined {
  return kept.reduce((best, one) => ((one.dataAt ?? 0) > (best.dataAt ?? 0) ? one : best), {} as KeptData).data;
}

/** The state that a join sets for its user. Absent fields change nothing. */
export interface OwnState {
  status?: Status | undefined;
  activity?: string | null | undefined;
  /** A change by top-level keys. */
  data?: PersonData | undefined;
}

/** Data in the form of the scripts: alternating raw keys and raw values. */
export function dataMembers(data: PersonData): string[] {
  return Object.entries(data).flatMap(([key, value]) => [JSON.stringify(key), JSON.stringify(value)]);
}

/** Reads what {@link dataMembers} wrote. */
export function dataOfMembers(members: readonly string[]): PersonData {
  const entries = Array.from({ length: members.length / 2 }, (_, index) => [
    JSON.parse(members[2 * index]!) as string,
    JSON.parse(members[2 * index + 1]!) as unknown,
  ]);
  return Object.fromEntries(entries) as PersonData;
}

/** What makes a user an agent: a program that is present (rule SA7). */
export interface AgentMark {
  /** The user for whom it acts. */
  onBehalfOf?: string | undefined;
  /** The id of the server key that set it. */
  keyId?: string | undefined;
  /** When its lease ends, Unix milliseconds. */
  leaseUntil: number;
}

/**
 * The argument of the script `enter` with the state that a join sets; empty if it sets none.
 *
 * @param kept the data that the user had set before, as JSON. It counts if Redis does not know the user, as does `guestId`.
 */
export function ownStateParameter(
  { status, activity, data }: OwnState,
  kept: string | undefined,
  { guestId, agent }: { guestId?: string | undefined; agent?: AgentMark | undefined } = {},
): string {
  const ownState = {
    ...{ guestId, agent },
    status,
    activity: activity === undefined ? undefined : JSON.stringify(activity),
    data: hasKeys(data) ? dataMembers(data) : undefined,
    kept: kept === undefined ? undefined : dataMembers(JSON.parse(kept) as PersonData),
  };
  return Object.values(ownState).some((value) => value !== undefined) ? JSON.stringify(ownState) : '';
}

export function hasKeys(data: PersonData | undefined): data is PersonData {
  return data !== undefined && Object.keys(data).length > 0;
}

export function readChangedData(reply: ChangedDataReply = []): ChangedData | undefined {
  const [text, at, connections] = reply;
  return text === undefined ? undefined : { text, at: at!, isShared: connections! > 1 };
}

export function tooMuchData(): RollcallError {
  const message = `"data": all keys together must be at most ${limits.dataBytes} bytes of JSON; remove some with null.`;
  return new RollcallError('TOO_LARGE', message);
}
