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

/** A DynamoDB condition and the values that it uses. */
export interface Condition {
  text: string;
  values: Record<string, unknown>;
}

/**
 * The update that sets the given fields and removes those that are undefined. Every name has a placeholder, because many
 * names are reserved words.
 */
export function itemUpdate(
  { table, connectionId, sessionId }: ItemKey,
  fields: Record<string, unknown>,
  condition: Condition,
): UpdateItemCommandInput {
  const names = Object.keys(fields);
  const set = names.filter((name) => fields[name] !== undefined);
  const removed = names.filter((name) => fields[name] === undefined).map((name) => `#${name}`);
  const values = { ...Object.fromEntries(set.map((name) => [`:${name}`, fields[name]])), ...condition.values };
  return {
    TableName: table,
    Key: marshall({ connectionId, sessionId }),
    UpdateExpression: [
      ...(set.length > 0 ? [`SET ${set.map((name) => `#${name} = :${name}`).join(', ')}`] : []),
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
  ...['sessionName', 'userId', 'username', 'role', 'cursorRole', 'unseated', 'invisible', 'chosenAt', 'joinedAt'],
  ...['joinedSession', 'data', 'dataAt'],
];

/**
 * The update that stores a join or a leave in an item, unless a later one is stored already (rule PR18).
 *
 * The first version is the time `at` (Unix milliseconds). So no version is used twice, even if the item is deleted in
 * between.
 */
export function turnUpdate(
  key: ItemKey,
  at: number,
  { order, receivedAt }: Turn,
  fields: Record<string, unknown>,
): UpdateItemCommandInput {
  const nothing = Object.fromEntries(joinedFields.map((field) => [field, undefined]));
  const condition = { text: notAfter({ order, receivedAt }) ?? '', values: { ':at': at, ':one': 1 } };
  const update = itemUpdate(key, { ...nothing, ...fields, order, receivedAt }, condition);
  return {
    ...update,
    UpdateExpression: update.UpdateExpression!.replace('SET ', 'SET version = if_not_exists(version, :at) + :one, '),
    ConditionExpression: condition.text === '' ? undefined : condition.text,
  };
}
