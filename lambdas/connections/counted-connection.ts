import { DeleteItemCommand, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  type CappedBy,
  type ConnectionCap,
  type Counted,
  count,
  everyCounter,
  uncount,
} from './connection-counters.ts';
import { connectionItem, expiry } from './membership.ts';

export interface Connection {
  connectionId: string;
  userId: string;
  username: string;
  /** Unix milliseconds. */
  connectedAt: number;
}

/**
 * Stores a connection and counts it, both at the same time. So a handshake waits for one round trip.
 *
 * @returns the cap that refuses the connection, if one does; then the connection is not stored.
 */
export async function addConnection(
  client: DynamoDBClient,
  table: string,
  connection: Connection,
  caps: readonly ConnectionCap[],
): Promise<CappedBy | undefined> {
  const { connectionId, userId, connectedAt } = connection;
  const keys = { sessionId: connectionItem, connectedUser: userId };
  const all = { ...everyCounter(caps, connectedAt), expiresAt: expiry(connectedAt) };
  const [stored, counting] = await Promise.allSettled([
    client.send(new PutItemCommand({ TableName: table, Item: marshall({ ...connection, ...keys, ...all }) })),
    count(client, table, caps, connection),
  ]);
  const { counted, refusedBy } = counting.status === 'fulfilled' ? counting.value : {};
  if (stored.status === 'fulfilled' && counted && !refusedBy) return undefined;
  const isAway = stored.status === 'rejected' && !counted;
  // The connection may be stored although no answer arrived.
  const undone = isAway ? [] : [deleteConnection(client, table, connectionId)];
  const failed = [stored, counting].find((result) => result.status === 'rejected');
  await Promise.all([...undone, counted && uncount(client, table, connectionId, counted)]);
  if (failed) throw failed.reason;
  return refusedBy;
}

/**
 * Deletes a connection and takes it off its counters. A second call changes nothing.
 *
 * @param known the connection as it was read before. It counts if the answer to the deletion was lost, because a repeated deletion
 *   finds nothing.
 */
export async function removeConnection(
  client: DynamoDBClient,
  table: string,
  connectionId: string,
  known: Partial<Counted> = {},
): Promise<void> {
  const deleted = await deleteConnection(client, table, connectionId);
  const item = deleted.counters ? deleted : known;
  // Connections of an earlier release are not counted.
  if (item.counters && item.countedInHour) await uncount(client, table, connectionId, item as Counted);
}

/** Where a connection is counted, by its items; undefined if its own is not among them. */
export function countedIn(items: readonly ({ sessionId: string } & Partial<Counted>)[]): Partial<Counted> | undefined {
  return items.find(({ sessionId }) => sessionId === connectionItem);
}

async function deleteConnection(
  client: DynamoDBClient,
  table: string,
  connectionId: string,
): Promise<Partial<Counted>> {
  const Key = marshall({ connectionId, sessionId: connectionItem });
  const { Attributes = {} } = await client.send(
    new DeleteItemCommand({ TableName: table, Key, ReturnValues: 'ALL_OLD' }),
  );
  return unmarshall(Attributes);
}
