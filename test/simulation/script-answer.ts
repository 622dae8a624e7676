import type { ScriptReply } from '../../lambdas/presence/outcome.ts';
import { restoredFields } from '../../lambdas/presence/scripts/restore.ts';
import type { PresenceRecord } from '../../lambdas/presence/status.ts';
import type { Told } from './invisible-people.ts';

/** Who joined, by an answer. */
export function joinedUsers([, , , , joins]: ScriptReply): string[] {
  return joins.map((text) => (JSON.parse(text) as PresenceRecord).userId);
}

/** What an answer tells of people. */
export function toldBy(script: string, [, , , , joins, updates, leaves, , , , extra]: ScriptReply): Told {
  const listed = (script === 'list' ? extra[0] : script === 'enter' ? extra[1] : []) as string[];
  return { listed, joins, updates, leaves, begun: script === 'enter' ? begunBy(String(extra[2])) : [] };
}

/** Whose stay began with an entering, as far as that is certain: Redis may only have forgotten that they were there. */
function begunBy(coming: string): string[] {
  if (coming === '') return [];
  const { userId, certain } = JSON.parse(coming) as { userId: string; certain: boolean };
  return certain ? [userId] : [];
}

/** `<user>:<connection>` of whom a restoration was asked to seat, by its parameters. */
export function restoredSeats([, , , count, ...facts]: string[]): string[] {
  return Array.from({ length: Number(count) }, (_, index) =>
    facts.slice(index * restoredFields, index * restoredFields + 2).join(':'),
  );
}
