import { randomUUID } from 'node:crypto';
import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Role } from '../../protocol/entities.ts';
import type { ChangedData } from '../platform/kept-data.ts';
import { isBefore, Overtaken, type Turn } from '../platform/turn.ts';
import { type LeaseRenewal, leaseChange } from './agent-lease.ts';
import type { CappedBy, ConnectionCap } from './connection-counters.ts';
import { addConnection, type Connection, countedIn, removeConnection } from './counted-connection.ts';
import { goneSeats, withoutMembership } from './gone-seat.ts';
import { isMet, isRefused } from './is-met.ts';
import { itemUpdate, joinUpdate, leaveUpdate, type WriteKey } from './item-update.ts';
import {
  connectionItem,
  expiry,
  isMembership,
  itemBefore,
  type Joined,
  joinedAfter,
  type Left,
  type Membership,
  readItem,
  type Seat,
} from './membership.ts';
import { queryItems } from './query-items.ts';
import { deletion, type RetryOptions, writeItems } from './write-items.ts';

export type { AgentMark, Membership } from './membership.ts';

/** The open connections and their memberships, in DynamoDB. A lost or repeated `$disconnect` event does no harm here. */
export class ConnectionRegistry {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #options: RetryOptions;

  constructor(client: DynamoDBClient, table: string, options: RetryOptions = {}) {
    this.#client = client;
    this.#table = table;
    this.#options = options;
  }

  /**
   * Stores a connection and counts it, in one round trip.
   *
   * @returns the cap that refuses the connection, if one does; then it is not stored.
   */
  async add(connection: Connection, caps: readonly ConnectionCap[] = []): Promise<CappedBy | undefined> {
    return addConnection(this.#client, this.#table, connection, caps);
  }

  /** Stores whether a connection receives cursors in the compact form. @returns false if the table does not have the connection. */
  async setCompact(connectionId: string, compact: boolean): Promise<boolean> {
    const key = { connectionId, sessionId: connectionItem };
    return this.#change(key, { compact }, 'attribute_exists(connectedUser)', {});
  }

  async isCompact(connectionId: string): Promise<boolean> {
    const Key = marshall({ connectionId, sessionId: connectionItem });
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }));
    return Item?.['compact']?.BOOL === true;
  }

  /**
   * Stores that a connection joined. A repeated join replaces the membership, except for the own state of the user.
   *
   * @returns the membership with its version, and whether the connection was in the session before.
   * @throws Overtaken if a later join or leave of the connection was handled before (rule PR18).
   */
  async join(membership: Membership, turn: Turn = {}): Promise<Joined> {
    const { connectionId, sessionId, version: _, ...known } = membership;
    const item = { ...known, joinedSession: sessionId, expiresAt: expiry(known.joinedAt) };
    const before = await this.#take({ connectionId, sessionId }, (key) => joinUpdate(key, turn, item));
    return joinedAfter(before, membership);
  }

  /**
   * Stores that a connection left. The item stays, without the membership, as long as the connection does: a join that was
   * sent before this leave may be handled after it.
   *
   * @param at Unix milliseconds.
   * @throws Overtaken if a later join or leave of the connection was handled before (rule PR18).
   */
  async leave(connectionId: string, sessionId: string, turn: Turn = {}, at = Date.now()): Promise<Left> {
    const before = await this.#take({ connectionId, sessionId }, (key) =>
      leaveUpdate(key, turn, at, { expiresAt: expiry(at) }),
    );
    const membership = before.userId === undefined ? undefined : (before as Membership);
    return { version: (before.version ?? at) + 1, membership };
  }

  /**
   * Changes fields of a membership.
   *
   * @returns false if the connection has left, or has joined again, since the membership was read.
   */
  async amend(
    membership: Membership,
    fields: Partial<Omit<Membership, 'connectionId' | 'sessionId' | 'version'>>,
  ): Promise<boolean> {
    const { version } = membership;
    // Items that an earlier release wrote have no version.
    const isSame = version === undefined ? 'attribute_not_exists(version)' : 'version = :version';
    const values = version === undefined ? {} : { ':version': version };
    return this.#change(membership, fields, `attribute_exists(userId) AND ${isSame}`, values);
  }

  /** Deletes a membership of a join that failed. @returns false if the connection has joined or left since; then it stays. */
  async takeBack({ connectionId, sessionId, version }: Membership): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: marshall({ connectionId, sessionId }),
      ConditionExpression: 'attribute_not_exists(version) OR version = :version',
      ExpressionAttributeValues: marshall({ ':version': version ?? 0 }),
    });
    return isMet(this.#client.send(command));
  }

  /** Stores name and lease of an agent. @returns false if the condition of the renewal is not met. */
  setLease(key: Omit<Seat, 'userId'>, renewal: LeaseRenewal): Promise<boolean> {
    const { fields, condition } = leaseChange(renewal);
    return this.#change(key, fields, condition.text, condition.values);
  }

  /** Whether the connection left the session after it sent the frame of this turn. */
  async hasLeftAfter(connectionId: string, sessionId: string, turn: Turn): Promise<boolean> {
    const item = await this.#item(connectionId, sessionId);
    return item !== undefined && item.userId === undefined && isBefore(turn, item);
  }

  async membership(connectionId: string, sessionId: string): Promise<Membership | undefined> {
    const item = await this.#item(connectionId, sessionId);
    return item?.userId === undefined ? undefined : (item as Membership);
  }

  /** The memberships of a connection. */
  async memberships(connectionId: string): Promise<Membership[]> {
    return (await this.#itemsOf(connectionId)).filter(isMembership);
  }

  /** What the end of a connection has to close: its memberships, and the seats that `removeGone` took from it. */
  async ending(connectionId: string): Promise<{ memberships: Membership[]; gone: Seat[] }> {
    const items = await this.#itemsOf(connectionId);
    return { memberships: items.filter(isMembership), gone: goneSeats(items) };
  }

  /** The memberships of a session (eventually consistent). */
  async members(sessionId: string): Promise<Membership[]> {
    return this.#query({
      IndexName: 'bySession',
      KeyConditionExpression: 'joinedSession = :session',
      ExpressionAttributeValues: marshall({ ':session': sessionId }),
    });
  }

  /** The ids of all open connections of a user (eventually consistent). */
  async connectionsOf(userId: string): Promise<string[]> {
    const items = await this.#query({
      IndexName: 'byUser',
      KeyConditionExpression: 'connectedUser = :user',
      ExpressionAttributeValues: marshall({ ':user': userId }),
    });
    return items.map((item) => item.connectionId);
  }

  /** Changes the role in all memberships of a user in a session. The index may not contain those of the connections `seated` yet. */
  async changeRole(sessionId: string, userId: string, role: Role, seated: readonly string[] = []): Promise<void> {
    const listed = (await this.members(sessionId)).filter((one) => one.userId === userId);
    const ids = [...new Set([...listed.map(({ connectionId }) => connectionId), ...seated])];
    const change = (connectionId: string) =>
      this.#change({ connectionId, sessionId }, { role }, 'attribute_exists(userId)', {});
    await Promise.all(ids.map(change));
  }

  /** Stores that the user was invisible at `seenAt` (Unix milliseconds), when the connection joined. Later choices replace it. */
  async inheritInvisible(membership: Seat, seenAt: number): Promise<void> {
    await this.#choose(membership, true, seenAt);
  }

  /**
   * Stores in each membership of a user in a session whether the user chose to be invisible.
   *
   * @param chosenAt when Redis stored the choice, Unix milliseconds. An earlier choice does not replace a later one.
   */
  async setInvisible({ connectionId, sessionId, userId }: Seat, invisible: boolean, chosenAt: number): Promise<void> {
    const others = (await this.members(sessionId)).filter((one) => {
      const differs = Boolean(one.invisible) !== invisible;
      return one.userId === userId && one.connectionId !== connectionId && differs;
    });
    // The index may not contain the newest membership yet.
    await Promise.all([{ connectionId, sessionId }, ...others].map((one) => this.#choose(one, invisible, chosenAt)));
  }

  /** Stores the data of a user in this membership and, if they are shared, in the user's others. Newer data stay. */
  async setData({ connectionId, sessionId, userId }: Seat, { text, at, isShared }: ChangedData): Promise<void> {
    const members = isShared ? await this.members(sessionId) : [];
    const others = members.filter((one) => one.userId === userId && one.connectionId !== connectionId);
    const isNewest = ['attribute_not_exists(dataAt)', 'dataAt < :dataAt']
      .map((condition) => `attribute_exists(userId) AND ${condition}`)
      .join(' OR ');
    const keys = [{ connectionId, sessionId }, ...others];
    await Promise.all(keys.map((key) => this.#change(key, { data: text, dataAt: at }, isNewest, {})));
  }

  /** Deletes a connection and its memberships, and returns the memberships. A second call returns an empty list. */
  async remove(connectionId: string): Promise<Membership[]> {
    const items = await this.#itemsOf(connectionId);
    const joined = items.filter(({ sessionId }) => sessionId !== connectionItem);
    await Promise.all([
      // The item of the connection itself is deleted even if the query did not return it.
      removeConnection(this.#client, this.#table, connectionId, countedIn(items)),
      this.#write(joined.map(deletion)),
    ]);
    return items.filter(isMembership);
  }

  /**
   * The same for a connection that a post found gone at a time (Unix milliseconds). Only its `$disconnect` event says how the socket
   * ended, so its seats are kept until then, see `ending`.
   */
  async removeGone(connectionId: string, at: number): Promise<void> {
    const items = await this.#itemsOf(connectionId);
    await Promise.all([
      removeConnection(this.#client, this.#table, connectionId, countedIn(items)),
      this.#write(withoutMembership(items, at)),
    ]);
  }

  /** Deletes the given memberships. The connections stay open. */
  async leaveAll(memberships: Pick<Membership, 'connectionId' | 'sessionId'>[]): Promise<void> {
    await this.#write(memberships.map(deletion));
  }

  #choose(key: Pick<Membership, 'connectionId' | 'sessionId'>, invisible: boolean, chosenAt: number): Promise<boolean> {
    const isNewest = ['attribute_not_exists(chosenAt)', 'chosenAt <= :chosenAt']
      .map((condition) => `attribute_exists(userId) AND ${condition}`)
      .join(' OR ');
    return this.#change(key, { invisible, chosenAt }, isNewest, { ':chosenAt': chosenAt });
  }

  /** Changes a membership under a condition, so that no incomplete item is made for a membership that has ended. */
  #change(
    { connectionId, sessionId }: Pick<Membership, 'connectionId' | 'sessionId'>,
    fields: Record<string, unknown>,
    text: string,
    values: Record<string, unknown>,
  ): Promise<boolean> {
    const key = { table: this.#table, connectionId, sessionId };
    return isMet(this.#client.send(new UpdateItemCommand(itemUpdate(key, fields, { text, values }))));
  }

  /**
   * Stores a join or a leave as the next one of its connection and session, unless a later one is stored already.
   *
   * @returns the item before.
   */
  async #take(
    key: Pick<Membership, 'connectionId' | 'sessionId'>,
    updateOf: (key: WriteKey) => UpdateItemCommandInput,
  ): Promise<Partial<Membership>> {
    const write = randomUUID();
    const update = updateOf({ table: this.#table, ...key, write });
    try {
      const command = new UpdateItemCommand({ ...update, ReturnValues: 'ALL_OLD' });
      return itemBefore((await this.#client.send(command)).Attributes ?? {}, write);
    } catch (error) {
      throw isRefused(error) ? new Overtaken() : error;
    }
  }

  async #item(connectionId: string, sessionId: string): Promise<(Partial<Membership> & Turn) | undefined> {
    const Key = marshall({ connectionId, sessionId });
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }));
    return Item && readItem(Item);
  }

  /** All items of a connection: its own, its memberships, and the sessions that it left. */
  #itemsOf(connectionId: string): Promise<Membership[]> {
    return this.#query({
      KeyConditionExpression: 'connectionId = :connection',
      ExpressionAttributeValues: marshall({ ':connection': connectionId }),
      ConsistentRead: true,
    });
  }

  #query(query: Omit<QueryCommandInput, 'TableName'>): Promise<Membership[]> {
    return queryItems(this.#client, { ...query, TableName: this.#table });
  }

  #write(requests: WriteRequest[]): Promise<void> {
    return writeItems(this.#client, this.#table, requests, this.#options);
  }
}
