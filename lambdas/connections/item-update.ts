import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Turn } from '../platform/turn.ts';
import { notAfter } from './turn-condition.ts';

/** The table and the key of an item of the connection table. */
export interface ItemKey {
  table: string;
  connectionId: string;
  sessionId: string;
}

/** A join or a leave of an item. */
export interface WriteKey extends ItemKey {
  /** A unique id of the write. */
  write: string;
}

/** A DynamoDB condition and the values that it uses. */
export interface Condition {
  text: string;
  values: Record<string, unknown>;
}

/**
 * The update that sets the given fields and removes those that are undefined. `initial` fields are set only if the item lacks
 * them. Every name has a placeholder, because many names are reserved words.
 */
export function itemUpdate(
  { table, connectionId, sessionId }: ItemKey,
  fields: Record<string, unknown>,
  condition: Condition,
  initial: Record<string, unknown> = {},
): UpdateItemCommandInput {
  const given = { ...fields, ...initial };
  const names = Object.keys(given);
  const set = names.filter((name) => given[name] !== undefined);
  const removed = names.filter((name) => given[name] === undefined).map((name) => `#${name}`);
  const textOf = (name: string) => (name in initial ? `if_not_exists(#${name}, :${name})` : `:${name}`);
  const values = { ...Object.fromEntries(set.map((name) => [`:${name}`, given[name]])), ...condition.values };
  return {
    TableName: table,
    Key: marshall({ connectionId, sessionId }),
    UpdateExpression: [
      ...(set.length > 0 ? [`SET ${set.map((name) => `#${name} = ${textOf(name)}`).join(', ')}`] : []),
      ...(removed.length > 0 ? [`REMOVE ${removed.join(', ')}`] : []),
    ].join(' '),
    ConditionExpression: condition.text,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    // DynamoDB refuses an empty list of values.
    ExpressionAttributeValues: Object.keys(values).length > 0 ? marshall(values) : undefined,
  };
}

/** The fields of an item whose connection is in the session, without its key, its turn and its version. */
const joinedFields = [
  ...['sessionName', 'userId', 'username', 'role', 'claimedRole', 'cursorRole', 'unseated', 'guestId', 'agent'],
  ...['joinedAt', 'joinedSession'],
];

/** The own state of the user in the session. */
const ownStateFields = ['invisible', 'chosenAt', 'data', 'dataAt'];

/**
 * The update that stores a join in an item, unless a later join or leave is stored already (rule PR18). If the connection
 * was in the session before, the own state of the user stays: the choice to be invisible unless the join makes another
 * choice, and the data, which only Redis changes (rules PR5, PR16).
 */
export function joinUpdate(
  key: WriteKey,
  turn: Turn,
  { invisible, data, dataAt, ...joined }: Record<string, unknown> & { joinedAt: number },
): UpdateItemCommandInput {
  const choice = invisible === undefined ? {} : { chosenAt: undefined, invisible };
  const fields = { ...noneOf(joinedFields), ...choice, ...joined };
  return turnUpdate(key, joined.joinedAt, turn, fields, data === undefined ? {} : { data, dataAt });
}

/**
 * The update that stores a leave in an item, unless a later join or leave is stored already (rule PR18).
 *
 * @param at Unix milliseconds.
 */
export function leaveUpdate(
  key: WriteKey,
  turn: Turn,
  at: number,
  fields: Record<string, unknown>,
): UpdateItemCommandInput {
  return turnUpdate(key, at, turn, { ...noneOf([...joinedFields, ...ownStateFields]), ...fields });
}

function noneOf(names: readonly string[]): Record<string, undefined> {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * The first version is the time `at`. So no version is used twice, even if the item is deleted in between. The update stores
 * also which write it is and who was in the session before (`WriteRecord`).
 */
function turnUpdate(
  key: WriteKey,
  at: number,
  { order, receivedAt }: Turn,
  fields: Record<string, unknown>,
  initial?: Record<string, unknown>,
): UpdateItemCommandInput {
  const values = { ':at': at, ':one': 1, ':write': key.write, ':nobody': '' };
  const condition = { text: notAfter({ order, receivedAt }) ?? '', values };
  const update = itemUpdate(key, { ...fields, order, receivedAt }, condition, initial);
  const always =
    'version = if_not_exists(version, :at) + :one, lastWrite = :write, userBefore = if_not_exists(userId, :nobody)';
  return {
    ...update,
    UpdateExpression: update.UpdateExpression!.replace('SET ', `SET ${always}, `),
    ConditionExpression: condition.text === '' ? undefined : condition.text,
  };
}
