import type { LeaveCause, Role } from '../../../protocol/entities.ts';
import { type PresenceScript, replyExtras, replyFields, scriptArguments } from './script-table.ts';

interface KindTypes {
  text: string;
  number: number | '';
  flag: boolean;
}
type TypesOf<Table extends Readonly<Record<string, keyof KindTypes>>> = {
  [Name in keyof Table]: KindTypes[Table[Name]];
};

/** The arguments of a script, by name. A number that is absent is passed as an empty text. */
export type ScriptArguments<Script extends PresenceScript> = TypesOf<(typeof scriptArguments)[Script]>;

/** The data of a user that a script changed and the connection table has to store, too; empty if it changed none. */
export type ChangedDataReply = [text: string, at: number, connections: number] | [];

/** The type of each extra of a reply, as ioredis returns it. */
interface ExtraTypes {
  /** Alternating the user and `<time> <index> <whole> <cursor as JSON>`. */
  cursors: string[];
  cursorReceivers: string[];
  /** How many connections are overdue, at most two. */
  overdue: number;
  /** When Redis stored the status of this frame; 0 if the frame had none. */
  chosenAt: number;
  /** When the last diff before this frame got its number, for heartbeats; otherwise '0'. */
  numberedAt: string;
  /** The changed data, the time of the change and the number of the user's connections; empty if no data changed. */
  changedData: ChangedDataReply;
  isPermitted: number;
  /** Receivers of a broadcast. */
  addressed: string[];
  /** What becomes of an event of a program. */
  verdict: 'sent' | 'repeated' | 'other' | 'absent';
  /** The name of an agent, and the user for whom it acts or empty. */
  agentName: string;
  actsFor: string;
  /** Since when it acts for them, if that changed during its stay; otherwise the time of the renewal. Unix milliseconds. */
  actsSince: number;
  /** When Redis stored a renewal, Unix milliseconds; later for each renewal of an agent. */
  renewedAt: number;
  isFirst: number;
  isPresent: number;
  records: string[];
  /** An entry of the movement journal, or empty. */
  arrival: string;
  removed: number;
  /** Entries of the movement journal. */
  departures: string[];
  closed: number;
  nextDeadline: string;
  journal: string[];
  /** Alternating the user and the time. */
  lastSeen: string[];
  /** Alternating the user and the role that is shown. */
  roles: string[];
  moves: number;
  /** How many of the present users are online. */
  online: number;
  /** How many of the present users are agents. */
  agents: number;
  /** Messages of the clients, and posts and answers to them, since the last report. */
  metered: [received: number, sent: number];
  /** Receivers of the pace frame. */
  paced: string[];
  /** How far apart the posts of cursors are, in milliseconds. */
  cursorMillis: number;
  ended: string[];
  /** 1 if a user who was a guest is present, and their connection has no seat yet. */
  waits: number;
  restored: number;
}
type ExtraName<Script extends PresenceScript> = (typeof replyExtras)[Script][number];

/** The common fields of the reply of every script that succeeded: what it changed. */
export interface ChangeReply {
  epoch: string;
  seq: number;
  parts: number;
  joins: string[];
  updates: string[];
  leaves: string[];
  causes: LeaveCause[];
  receivers: string[];
  /** The window that the caller has to flush: its end, and 1 if the sweep has to be told. */
  promised: [endsAt: number, watch: number] | [];
  /** The least role that sees cursors in the session; empty if everybody does. */
  cursorRole: Role | '';
}

/** The reply of a script that succeeded. */
export interface ScriptReply<Script extends PresenceScript> extends ChangeReply {
  extra: Pick<ExtraTypes, ExtraName<Script>>;
}

/** A reply as ioredis returns it. */
export type RawReply = ['ok', ...unknown[]] | ['unknown'] | ['overtaken'] | ['large'] | ['limited', wait: number];

const argumentNames = Object.fromEntries(
  Object.entries(scriptArguments).map(([script, table]) => [script, Object.keys(table)]),
) as Record<PresenceScript, string[]>;

/** Arguments in the order of the table, as Redis takes them. */
export function encodeArguments<Script extends PresenceScript>(
  script: Script,
  values: ScriptArguments<Script>,
): (string | number)[] {
  return argumentNames[script].map((name) => {
    const value = (values as Record<string, string | number | boolean>)[name]!;
    return typeof value === 'boolean' ? Number(value) : value;
  });
}

const positions = Object.fromEntries(replyFields.map((name, index) => [name, index])) as Record<
  (typeof replyFields)[number],
  number
>;

/**
 * Gives the values of a reply their names. It runs for every frame, so the object is written out: that is faster than a
 * loop.
 */
export function decodeReply<Script extends PresenceScript>(
  script: Script,
  reply: readonly unknown[],
): ScriptReply<Script> {
  const named: Record<keyof ScriptReply<Script>, unknown> = {
    epoch: reply[positions.epoch],
    seq: reply[positions.seq],
    parts: reply[positions.parts],
    joins: reply[positions.joins],
    updates: reply[positions.updates],
    leaves: reply[positions.leaves],
    causes: reply[positions.causes],
    receivers: reply[positions.receivers],
    promised: reply[positions.promised],
    cursorRole: reply[positions.cursorRole],
    extra: nameValues(replyExtras[script], reply[positions.extra] as readonly unknown[] | undefined),
  };
  return named as ScriptReply<Script>;
}

function nameValues(names: readonly string[], values: readonly unknown[] = []): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index += 1) named[names[index]!] = values[index];
  return named;
}
