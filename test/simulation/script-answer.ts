import { type ChangeReply, decodeReply, type ScriptReply } from '../../lambdas/presence/scripts/script-call.ts';
import {
  commonArguments,
  type PresenceScript,
  restoredFields,
  scriptArguments,
} from '../../lambdas/presence/scripts/script-table.ts';
import type { PresenceRecord } from '../../lambdas/presence/status.ts';
import type { Told } from './invisible-people.ts';

/** The values that a script was given, by name, as Redis gets them: a flag is '1' or '0'. */
export type Values = Readonly<Record<string, string>>;

/** A call of a presence script and its reply. */
export interface ScriptCall {
  script: PresenceScript;
  sessionId: string;
  now: number;
  outageAllowance: number;
  values: Values;
  /** The arguments of `restore` after the named ones. */
  facts: string[];
  /** `ok`, `unknown`, `limited` or `overtaken`. */
  code: string;
  reply: ChangeReply & { extra: Record<string, unknown> };
}

/** Gives the arguments and the reply of a script their names. */
export function readCall(script: string, given: readonly (string | number)[], answer: unknown): ScriptCall {
  const name = script as PresenceScript;
  const texts = given.map(String);
  const commonNames = Object.keys(commonArguments);
  const ownNames = Object.keys(scriptArguments[name]);
  const common = nameValues(commonNames, texts);
  return {
    script: name,
    sessionId: common['sessionId']!,
    now: Number(common['now']),
    outageAllowance: Number(common['outageAllowance']),
    values: nameValues(ownNames, texts.slice(commonNames.length)),
    facts: texts.slice(commonNames.length + ownNames.length),
    code: (answer as string[])[0]!,
    reply: decodeReply(name, answer as unknown[]) as unknown as ScriptCall['reply'],
  };
}

function nameValues(names: readonly string[], texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
}

/** The users who joined, by a reply. */
export function joinedUsers({ joins }: ChangeReply): string[] {
  return joins.map((text) => (JSON.parse(text) as PresenceRecord).userId);
}

/** The data about users in a reply. */
export function toldBy({ script, reply }: ScriptCall): Told {
  const { joins, updates, leaves } = reply;
  const listed = (reply.extra as Partial<ScriptReply<'list'>['extra']>).records ?? [];
  const { arrival = '' } = reply.extra as Partial<ScriptReply<'join'>['extra']>;
  return { listed, joins, updates, leaves, begun: script === 'join' ? begunBy(arrival) : [] };
}

/** The users whose stay certainly began with a join; Redis may also have lost an earlier stay. */
function begunBy(arrival: string): string[] {
  if (arrival === '') return [];
  const { userId, certain } = JSON.parse(arrival) as { userId: string; certain: boolean };
  return certain ? [userId] : [];
}

/** A connection that a restore was given. */
export interface RestoredSeat {
  /** `<user>:<connection>`. */
  member: string;
  versionKey: string;
  version: number;
}

/** The connections that a restore was given. */
export function restoredSeats({ values, facts }: ScriptCall): RestoredSeat[] {
  const count = restoredFields.length;
  return Array.from({ length: Number(values['count']) }, (_, index) => {
    const seat = nameValues(restoredFields, facts.slice(index * count));
    const { userId, connectionId, versionKey, version } = seat;
    return { member: `${userId}:${connectionId}`, versionKey: versionKey!, version: Number(version) };
  });
}
