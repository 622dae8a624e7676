import type { PresenceRecord } from '../../lambdas/presence/status.ts';
import type { LeaveCause } from '../../protocol/entities.ts';
import type { Told } from './invisible-people.ts';

/** What a script answers. */
export type Reply = [
  code: string,
  epoch: string,
  seq: number,
  parts: number,
  joins: string[],
  updates: string[],
  leaves: string[],
  causes: LeaveCause[],
  receivers: string[],
  promised: unknown[],
  extra: unknown[],
];

/** Who joined, by an answer. */
export function joinedUsers([, , , , joins]: Reply): string[] {
  return joins.map((text) => (JSON.parse(text) as PresenceRecord).userId);
}

/** What an answer tells of people. */
export function toldBy(script: string, [, , , , joins, updates, leaves, , , , extra]: Reply): Told {
  const listed = (script === 'list' ? extra[0] : script === 'enter' ? extra[1] : []) as string[];
  return { listed, joins, updates, leaves };
}
