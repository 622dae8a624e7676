import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Role } from '../../protocol/entities.ts';
import { expiry, readItem, storedFrame, unlessLater } from './connection-items.ts';
import type { FrameOrder } from './frame-order.ts';

/** A connection that joined a session: what is needed to seat it again without asking PostgreSQL who it is. */
export interface Membership {
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
  /** The position of the join among the frames of the connection (rule PR18). */
  frame?: FrameOrder | undefined;
}

/** What is known of a connection that left a session: a join that was sent before must not bring it back. */
export interface LeftSession {
  connectionId: string;
  sessionId: string;
  /** The position of the leave among the frames of the connection. */
  frame: FrameOrder;
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
const batchLimit = 25;

/** The open connections and what they joined, in DynamoDB. Lost or doubled `$disconnect` events do no harm here. */
export class ConnectionRegistry {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
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
   * @returns false where a later join or leave of the connection was written down before: then nothing changes.
   */
  async join(membership: Membership): Promise<boolean> {
    const { frame, ...known } = membership;
    const item = {
      ...known,
      ...storedFrame(frame),
      joinedSession: membership.sessionId,
      expiresAt: expiry(membership.joinedAt),
    };
    const Item = marshall(item, { removeUndefinedValues: true });
    return this.#succeeds(
      this.#client.send(new PutItemCommand({ TableName: this.#table, Item, ...unlessLater(frame) })),
    );
  }

  /**
   * Forgets what a connection joined. With the position of the leave it is remembered until the connection ends, so that
   * a join which was sent before and is served after it changes nothing.
   *
   * @returns false where a later join of the connection was written down before: then nothing changes.
   */
  async leave(connectionId: string, sessionId: string, frame?: FrameOrder): Promise<boolean> {
    const Key = marshall({ connectionId, sessionId });
    if (!frame) {
      await this.#client.send(new DeleteItemCommand({ TableName: this.#table, Key }));
      return true;
    }
    const item = { connectionId, sessionId, ...storedFrame(frame), expiresAt: expiry(frame.receivedAt) };
    const Item = marshall(item, { removeUndefinedValues: true });
    return this.#succeeds(
      this.#client.send(new PutItemCommand({ TableName: this.#table, Item, ...unlessLater(frame) })),
    );
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
    const found = await this.lastFrame(connectionId, sessionId);
    return found && 'userId' in found ? found : undefined;
  }

  /** What the last join or leave of a connection in a session came to; undefined where there was neither. */
  async lastFrame(connectionId: string, sessionId: string): Promise<Membership | LeftSession | undefined> {
    const Key = marshall({ connectionId, sessionId });
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }));
    return Item ? readItem(Item) : undefined;
  }

  /** What a connection joined. */
  async memberships(connectionId: string): Promise<Membership[]> {
    const items = await this.#itemsOf(connectionId);
    return items.filter((item) => item.sessionId !== connectionItem && 'userId' in item);
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

  /**
   * Writes down at each membership of a user in a session whether they chose to be invisible. A choice that a later
   * frame of the connection has replaced changes nothing (rule PR18).
   */
  async setInvisible({ connectionId, sessionId, userId }: Seat, invisible: boolean, order?: number): Promise<void> {
    const isLatest = await this.#set({ connectionId, sessionId }, 'invisible', invisible, order);
    if (!isLatest) return;
    const others = (await this.members(sessionId)).filter((one) => {
      const differs = Boolean(one.invisible) !== invisible;
      return one.userId === userId && one.connectionId !== connectionId && differs;
    });
    await Promise.all(others.map((one) => this.#set(one, 'invisible', invisible)));
  }

  /** Forgets a connection and what it joined; answers what that was. A second call answers nothing. */
  async remove(connectionId: string): Promise<Membership[]> {
    const items = await this.#itemsOf(connectionId);
    const sessionIds = new Set([connectionItem, ...items.map((item) => item.sessionId)]);
    await this.#delete([...sessionIds].map((sessionId) => ({ connectionId, sessionId })));
    return items.filter((item) => item.sessionId !== connectionItem && 'userId' in item);
  }

  /** Forgets the memberships given, leaving the connections open. */
  async leaveAll(memberships: Pick<Membership, 'connectionId' | 'sessionId'>[]): Promise<void> {
    await this.#delete(memberships.map(({ connectionId, sessionId }) => ({ connectionId, sessionId })));
  }

  async #set(
    { connectionId, sessionId }: Pick<Membership, 'connectionId' | 'sessionId'>,
    field: 'role' | 'invisible',
    value: Role | boolean,
    order?: number,
  ): Promise<boolean> {
    const isNumbered = order !== undefined;
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: marshall({ connectionId, sessionId }),
      UpdateExpression: `SET #field = :value${isNumbered ? ', choiceOrder = :order' : ''}`,
      // A connection that left meanwhile must not come back as half an item.
      ConditionExpression: `attribute_exists(userId)${
        isNumbered ? ' AND (attribute_not_exists(choiceOrder) OR choiceOrder <= :order)' : ''
      }`,
      ExpressionAttributeNames: { '#field': field },
      ExpressionAttributeValues: marshall({ ':value': value, ...(isNumbered ? { ':order': order } : {}) }),
    });
    return this.#succeeds(this.#client.send(command));
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

  /** Everything that is written down of a connection: itself, what it joined and what it left. */
  async #itemsOf(connectionId: string): Promise<Membership[]> {
    return this.#query({
      KeyConditionExpression: 'connectionId = :connection',
      ExpressionAttributeValues: marshall({ ':connection': connectionId }),
      ConsistentRead: true,
    });
  }

  async #query(input: Omit<QueryCommandInput, 'TableName'>): Promise<Membership[]> {
    const items: Membership[] = [];
    let start: QueryCommandInput['ExclusiveStartKey'];
    do {
      const page = await this.#client.send(
        new QueryCommand({ ...input, TableName: this.#table, ExclusiveStartKey: start }),
      );
      items.push(...(page.Items ?? []).map((item) => readItem(item) as Membership));
      start = page.LastEvaluatedKey;
    } while (start);
    return items;
  }

  async #delete(keys: { connectionId: string; sessionId: string }[]): Promise<void> {
    for (let first = 0; first < keys.length; first += batchLimit) {
      let requests = keys.slice(first, first + batchLimit).map((key) => ({ DeleteRequest: { Key: marshall(key) } }));
      while (requests.length > 0) {
        const answer = await this.#client.send(
          new BatchWriteItemCommand({ RequestItems: { [this.#table]: requests } }),
        );
        requests = (answer.UnprocessedItems?.[this.#table] ?? []) as typeof requests;
      }
    }
  }
}
