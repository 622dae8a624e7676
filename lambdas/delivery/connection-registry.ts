import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Role } from '../../protocol/entities.ts';
import { connectionLifetimeMillis } from '../../protocol/timings.ts';
import { Unavailable } from '../platform/unavailable.ts';
import type { KeptData, ToldData } from '../presence/person-data.ts';

/** A connection that joined a session: what is needed to seat it again without asking PostgreSQL who it is. */
export interface Membership extends KeptData {
  connectionId: string;
  /** UUID of the session. */
  sessionId: string;
  sessionName: string;
  userId: string;
  username: string;
  role: Role;
  /** The least role that sees cursors in the session, where it names one. */
  cursorRole?: Role | undefined;
  /** Joined while Redis was away: written into the audit trail, and not seated yet. */
  unseated?: boolean;
  /** Whether the user chose to be invisible there: Redis may forget it, and must not show them by that (rule PR5). */
  invisible?: boolean;
  joinedAt: number;
}

type Seat = Pick<Membership, 'connectionId' | 'sessionId' | 'userId'>;

export interface Connection {
  connectionId: string;
  userId: string;
  username: string;
  connectedAt: number;
}

/** Sort key of the item that stands for the connection itself. */
const connectionItem = '-';
/** Leaves room for the clocks of two services; the table's TTL is tidiness, never a signal. */
const keptMillis = connectionLifetimeMillis + 60 * 60 * 1000;
const batchLimit = 25;
/** Waits in milliseconds before unprocessed items are tried again; together they fit into the bound for one dependency. */
const retryWaits = [25, 50, 100, 200];

/** Another way to wait, and another chance, than the machine's: only in tests. */
export interface RegistryOptions {
  wait?: (millis: number) => Promise<unknown>;
  random?: () => number;
}

/** The open connections and what they joined, in DynamoDB. Lost or doubled `$disconnect` events do no harm here. */
export class ConnectionRegistry {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #wait: NonNullable<RegistryOptions['wait']>;
  readonly #random: () => number;

  constructor(client: DynamoDBClient, table: string, options: RegistryOptions = {}) {
    this.#client = client;
    this.#table = table;
    this.#wait = options.wait ?? sleep;
    this.#random = options.random ?? Math.random;
  }

  async add(connection: Connection): Promise<void> {
    const { userId, connectedAt } = connection;
    const keys = { sessionId: connectionItem, connectedUser: userId };
    const item = { ...connection, ...keys, expiresAt: expiry(connectedAt) };
    await this.#client.send(new PutItemCommand({ TableName: this.#table, Item: marshall(item) }));
  }

  /**
   * Remembers that a connection takes the compact form of cursors, or takes it no more.
   *
   * @returns false where the connection is not written down (any more), so that nothing is remembered.
   */
  async setCompact(connectionId: string, compact: boolean): Promise<boolean> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: marshall({ connectionId, sessionId: connectionItem }),
      // The name is one of DynamoDB's reserved words.
      UpdateExpression: 'SET #compact = :compact',
      ConditionExpression: 'attribute_exists(connectedUser)',
      ExpressionAttributeNames: { '#compact': 'compact' },
      ExpressionAttributeValues: marshall({ ':compact': compact }),
    });
    return this.#succeeds(this.#client.send(command));
  }

  async isCompact(connectionId: string): Promise<boolean> {
    const Key = marshall({ connectionId, sessionId: connectionItem });
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }));
    return Item?.['compact']?.BOOL === true;
  }

  /**
   * Writes down that a connection joined. Doing it again replaces what was known.
   *
   * @returns whether the connection had not joined the session before.
   */
  async join(membership: Membership): Promise<boolean> {
    const item = { ...membership, joinedSession: membership.sessionId, expiresAt: expiry(membership.joinedAt) };
    const command = { TableName: this.#table, Item: marshall(item), ReturnValues: 'ALL_OLD' } as const;
    const { Attributes } = await this.#client.send(new PutItemCommand(command));
    return Attributes === undefined;
  }

  async leave(connectionId: string, sessionId: string): Promise<void> {
    const Key = marshall({ connectionId, sessionId });
    await this.#client.send(new DeleteItemCommand({ TableName: this.#table, Key }));
  }

  /**
   * Forgets a membership that a join wrote down before it failed.
   *
   * @returns false where the connection has joined again since: that membership stays.
   */
  async takeBack({ connectionId, sessionId, joinedAt }: Membership): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: marshall({ connectionId, sessionId }),
      ConditionExpression: 'attribute_not_exists(joinedAt) OR joinedAt <= :joinedAt',
      ExpressionAttributeValues: marshall({ ':joinedAt': joinedAt }),
    });
    return this.#succeeds(this.#client.send(command));
  }

  async membership(connectionId: string, sessionId: string): Promise<Membership | undefined> {
    const Key = marshall({ connectionId, sessionId });
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }));
    return Item ? (unmarshall(Item) as Membership) : undefined;
  }

  /** What a connection joined. */
  async memberships(connectionId: string): Promise<Membership[]> {
    const items = await this.#query({
      KeyConditionExpression: 'connectionId = :connection',
      ExpressionAttributeValues: marshall({ ':connection': connectionId }),
      ConsistentRead: true,
    });
    return items.filter((item) => item.sessionId !== connectionItem);
  }

  /** The connections that joined a session (eventually consistent). */
  async members(sessionId: string): Promise<Membership[]> {
    return this.#query({
      IndexName: 'bySession',
      KeyConditionExpression: 'joinedSession = :session',
      ExpressionAttributeValues: marshall({ ':session': sessionId }),
    });
  }

  /** Every open connection of a user, whatever it joined (eventually consistent). */
  async connectionsOf(userId: string): Promise<string[]> {
    const items = await this.#query({
      IndexName: 'byUser',
      KeyConditionExpression: 'connectedUser = :user',
      ExpressionAttributeValues: marshall({ ':user': userId }),
    });
    return items.map((item) => item.connectionId);
  }

  /** Changes the role in the memberships of a user in a session. */
  async relabel(sessionId: string, userId: string, role: Role): Promise<void> {
    const memberships = (await this.members(sessionId)).filter((member) => member.userId === userId);
    await Promise.all(memberships.map((member) => this.#set(member, 'role', role)));
  }

  /** Writes down at each membership of a user in a session whether they chose to be invisible. */
  async setInvisible({ connectionId, sessionId, userId }: Seat, invisible: boolean): Promise<void> {
    const others = (await this.members(sessionId)).filter((one) => {
      const differs = Boolean(one.invisible) !== invisible;
      return one.userId === userId && one.connectionId !== connectionId && differs;
    });
    // The index may not show the newest one yet.
    await Promise.all([{ connectionId, sessionId }, ...others].map((one) => this.#set(one, 'invisible', invisible)));
  }

  /**
   * Writes down what a user told of themselves, at this membership and, where it is shared, at the user's others. Newer
   * data stay.
   */
  async setData({ connectionId, sessionId, userId }: Seat, { text, at, isShared }: ToldData): Promise<void> {
    const members = isShared ? await this.members(sessionId) : [];
    const others = members.filter((one) => one.userId === userId && one.connectionId !== connectionId);
    const change = {
      UpdateExpression: 'SET #data = :data, dataAt = :at',
      ConditionExpression: 'attribute_exists(userId) AND (attribute_not_exists(dataAt) OR dataAt < :at)',
      // The name is one of DynamoDB's reserved words.
      ExpressionAttributeNames: { '#data': 'data' },
      ExpressionAttributeValues: marshall({ ':data': text, ':at': at }),
    };
    const keys = [connectionId, ...others.map((one) => one.connectionId)].map((id) => ({
      connectionId: id,
      sessionId,
    }));
    const commands = keys.map(
      (key) => new UpdateItemCommand({ TableName: this.#table, Key: marshall(key), ...change }),
    );
    await Promise.all(commands.map((command) => this.#succeeds(this.#client.send(command))));
  }

  /** Forgets a connection and what it joined; answers what that was. A second call answers nothing. */
  async remove(connectionId: string): Promise<Membership[]> {
    const memberships = await this.memberships(connectionId);
    const keys = [connectionItem, ...memberships.map((membership) => membership.sessionId)];
    await this.#delete(keys.map((sessionId) => ({ connectionId, sessionId })));
    return memberships;
  }

  /** Forgets the memberships given, leaving the connections open. */
  async leaveAll(memberships: Pick<Membership, 'connectionId' | 'sessionId'>[]): Promise<void> {
    await this.#delete(memberships.map(({ connectionId, sessionId }) => ({ connectionId, sessionId })));
  }

  async #set(
    { connectionId, sessionId }: Pick<Membership, 'connectionId' | 'sessionId'>,
    field: 'role' | 'invisible',
    value: Role | boolean,
  ): Promise<void> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: marshall({ connectionId, sessionId }),
      UpdateExpression: 'SET #field = :value',
      // A connection that left meanwhile must not come back as half an item.
      ConditionExpression: 'attribute_exists(userId)',
      ExpressionAttributeNames: { '#field': field },
      ExpressionAttributeValues: marshall({ ':value': value }),
    });
    await this.#succeeds(this.#client.send(command));
  }

  /** Whether the condition of a command was met. */
  #succeeds(command: Promise<unknown>): Promise<boolean> {
    return command.then(
      () => true,
      (error: Error) => {
        if (error.name !== 'ConditionalCheckFailedException') throw error;
        return false;
      },
    );
  }

  async #query(input: Omit<QueryCommandInput, 'TableName'>): Promise<Membership[]> {
    const items: Membership[] = [];
    let start: QueryCommandInput['ExclusiveStartKey'];
    do {
      const page = await this.#client.send(
        new QueryCommand({ ...input, TableName: this.#table, ExclusiveStartKey: start }),
      );
      items.push(...(page.Items ?? []).map((item) => unmarshall(item) as Membership));
      start = page.LastEvaluatedKey;
    } while (start);
    return items;
  }

  async #delete(keys: { connectionId: string; sessionId: string }[]): Promise<void> {
    for (let first = 0; first < keys.length; first += batchLimit) {
      await this.#deleteBatch(
        keys.slice(first, first + batchLimit).map((key) => ({ DeleteRequest: { Key: marshall(key) } })),
      );
    }
  }

  /** DynamoDB may process a part only, where it is busy; the rest is tried again after growing, random waits. */
  async #deleteBatch(requests: WriteRequest[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: requests } });
      const answer = await this.#client.send(command);
      requests = answer.UnprocessedItems?.[this.#table] ?? [];
      if (requests.length === 0) return;
      const upTo = retryWaits[attempt];
      if (upTo === undefined)
        throw new Unavailable('connections', new Error(`${requests.length} items stay unprocessed`));
      await this.#wait(upTo * (0.5 + this.#random() / 2));
    }
  }
}

/** DynamoDB's TTL counts in seconds. */
function expiry(from: number): number {
  return Math.floor((from + keptMillis) / 1000);
}
