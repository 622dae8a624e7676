import {
  type Joined,
  joinedAfter,
  type Left,
  type Membership,
  type Seat,
} from '../../lambdas/connections/membership.ts';
import type { ChangedData } from '../../lambdas/platform/kept-data.ts';
import { isBefore, Overtaken, type Turn } from '../../lambdas/platform/turn.ts';

/** The row of a connection and a session. */
interface Item {
  /** Undefined if the connection has left. */
  membership: Membership | undefined;
  version: number;
  turn: Turn;
  chosenAt: number;
}

/** The connection table of a world, with the conditions of its writes. */
export class SimulatedTable {
  /** By connection, then by session. */
  readonly #items = new Map<string, Map<string, Item>>();
  /** The seats of connections that posts found gone. */
  readonly #gone = new Map<string, Seat[]>();
  /** The connections that asked for the compact form of cursors. */
  readonly #compact = new Set<string>();

  add(connectionId: string): Map<string, Item> {
    const known = this.#items.get(connectionId) ?? new Map<string, Item>();
    this.#items.set(connectionId, known);
    return known;
  }

  join(membership: Membership, turn: Turn): Joined {
    const { connectionId, sessionId, joinedAt } = membership;
    const before = this.#item(connectionId, sessionId);
    const { version } = this.#take(connectionId, sessionId, turn, joinedAt);
    const joined = joinedAfter({ ...before?.membership, version: before?.version }, membership);
    const chosenAt = membership.invisible === undefined ? (before?.chosenAt ?? 0) : 0;
    this.#items.get(connectionId)!.set(sessionId, { membership: joined.membership, version, turn, chosenAt });
    return { ...joined, membership: { ...joined.membership } };
  }

  leave(connectionId: string, sessionId: string, turn: Turn, at: number): Left {
    const left = this.#take(connectionId, sessionId, turn, at);
    this.#items.get(connectionId)!.set(sessionId, { ...left, membership: undefined, turn, chosenAt: 0 });
    return left;
  }

  amend({ connectionId, sessionId, version }: Membership, fields: Partial<Membership>): boolean {
    const item = this.#item(connectionId, sessionId);
    if (!item?.membership || item.version !== version) return false;
    item.membership = { ...item.membership, ...fields };
    return true;
  }

  takeBack({ connectionId, sessionId, version }: Membership): boolean {
    const item = this.#item(connectionId, sessionId);
    if (item && item.version !== version) return false;
    this.#items.get(connectionId)?.delete(sessionId);
    return true;
  }

  hasLeftAfter(connectionId: string, sessionId: string, turn: Turn): boolean {
    const item = this.#item(connectionId, sessionId);
    return item !== undefined && !item.membership && isBefore(turn, item.turn);
  }

  inheritInvisible({ connectionId, sessionId }: Pick<Membership, 'connectionId' | 'sessionId'>, seenAt: number) {
    const item = this.#item(connectionId, sessionId);
    if (!item?.membership || item.chosenAt > seenAt) return;
    item.membership = { ...item.membership, invisible: true };
    item.chosenAt = seenAt;
  }

  setInvisible({ sessionId, userId }: Pick<Membership, 'sessionId' | 'userId'>, invisible: boolean, chosenAt: number) {
    for (const items of this.#items.values()) {
      const item = items.get(sessionId);
      if (item?.membership?.userId !== userId || item.chosenAt > chosenAt) continue;
      item.membership = { ...item.membership, invisible };
      item.chosenAt = chosenAt;
    }
  }

  setCompact(connectionId: string, compact: boolean): boolean {
    if (!this.#items.has(connectionId)) return false;
    if (compact) this.#compact.add(connectionId);
    else this.#compact.delete(connectionId);
    return true;
  }

  isCompact(connectionId: string): boolean {
    return this.#compact.has(connectionId);
  }

  setData(
    { connectionId, sessionId, userId }: Pick<Membership, 'connectionId' | 'sessionId' | 'userId'>,
    told: ChangedData,
  ) {
    for (const [id, items] of this.#items) {
      const item = items.get(sessionId);
      const isTheirs = item?.membership?.userId === userId && (told.isShared || id === connectionId);
      if (!item?.membership || !isTheirs || (item.membership.dataAt ?? 0) >= told.at) continue;
      item.membership = { ...item.membership, data: told.text, dataAt: told.at };
    }
  }

  membership(connectionId: string, sessionId: string): Membership | undefined {
    return this.#item(connectionId, sessionId)?.membership;
  }

  memberships(connectionId: string): Membership[] {
    return [...(this.#items.get(connectionId)?.values() ?? [])].flatMap(({ membership }) => membership ?? []);
  }

  gone(connectionId: string): Seat[] {
    return (this.#gone.get(connectionId) ?? []).filter(({ sessionId }) => !this.membership(connectionId, sessionId));
  }

  members(sessionId: string): Membership[] {
    return [...this.#items.values()].flatMap((items) => items.get(sessionId)?.membership ?? []);
  }

  removeGone(connectionId: string): void {
    const gone = [...this.gone(connectionId), ...this.memberships(connectionId)];
    this.remove(connectionId);
    this.#gone.set(connectionId, gone);
  }

  remove(connectionId: string): void {
    this.#compact.delete(connectionId);
    this.#items.delete(connectionId);
    this.#gone.delete(connectionId);
  }

  #item(connectionId: string, sessionId: string): Item | undefined {
    return this.#items.get(connectionId)?.get(sessionId);
  }

  #take(connectionId: string, sessionId: string, turn: Turn, at: number): Left {
    const before = this.add(connectionId).get(sessionId);
    if (before && isBefore(turn, before.turn)) throw new Overtaken();
    return { version: (before?.version ?? at) + 1, membership: before?.membership };
  }
}
