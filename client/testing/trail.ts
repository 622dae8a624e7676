import type { ActivityItem, LeaveCause, Stay } from '../../protocol/entities.ts';

/** The user of an entry. */
export interface Actor {
  userId: string | null;
  username: string | null;
}

/** Who joins: a user, a guest or an agent. */
export type Arriving = Pick<Stay, 'kind' | 'onBehalfOf'> & { userId: string; username: string; role: string };

/** The audit trail of a session, with the entries that the service writes itself. */
export class Trail {
  /** The newest first. */
  readonly items: ActivityItem[] = [];
  readonly stays: Stay[] = [];
  readonly #sessionId: string;
  readonly #now: () => number;
  readonly #once = new Set<string>();

  constructor(sessionId: string, now: () => number) {
    this.#sessionId = sessionId;
    this.#now = now;
  }

  add(
    { userId, username }: Actor,
    activityType: string,
    details: object = {},
    id: string = crypto.randomUUID(),
  ): ActivityItem {
    const who = { sessionId: this.#sessionId, userId, username, ipAddress: null, userAgent: null };
    // Details that are undefined are not in the trail.
    const item = { id, ...who, activityType, details: JSON.parse(JSON.stringify(details)), createdAt: this.#now() };
    this.items.unshift(item);
    return item;
  }

  /** The same, unless an entry with this mark was added before. */
  addOnce(mark: string, actor: Actor, activityType: string, details: object): void {
    if (this.#once.has(mark)) return;
    this.#once.add(mark);
    this.add(actor, activityType, details);
  }

  joined({ userId, username, role, kind, onBehalfOf }: Arriving): void {
    const agent = kind && { kind, ...(onBehalfOf ? { onBehalfOf } : {}) };
    this.stays.push({ userId, username, role, joinedAt: this.#now(), leftAt: null, cause: null, ...agent });
    this.add({ userId, username }, 'user_joined', { role, ...agent });
  }

  left(userId: string, cause: LeaveCause): void {
    const stay = this.stays.findLast((each) => each.userId === userId)!;
    Object.assign(stay, { leftAt: this.#now(), cause });
    const durationSeconds = Math.round((this.#now() - stay.joinedAt) / 1000);
    if (cause === 'timeout') this.add(stay, 'user_timeout', { reason: 'heartbeat_timeout', durationSeconds });
    else this.add(stay, 'user_left', { cause, durationSeconds, kind: stay.kind });
  }

  /**
   * The stays of a guest are those of the user, and stays that overlap are one.
   *
   * @param stayEnded whether both were present, so that one stay of two ends.
   */
  signedIn(
    guestId: string,
    { userId, username }: Actor & { userId: string; username: string },
    role: string,
    stayEnded: boolean,
  ): void {
    this.add({ userId, username }, 'guest_signed_in', { guestId, role, stayEnded: stayEnded || undefined });
    const isOwn = (stay: Stay) => stay.userId === userId || stay.userId === guestId;
    const own = this.stays.filter(isOwn).toSorted((one, other) => one.joinedAt - other.joinedAt);
    const merged: Stay[] = [];
    for (const stay of own) {
      Object.assign(stay, { userId, username });
      const last = merged.at(-1);
      if (!last || (last.leftAt ?? Infinity) <= stay.joinedAt) {
        merged.push(stay);
        continue;
      }
      const isLonger = last.leftAt !== null && (stay.leftAt ?? Infinity) > last.leftAt;
      const { leftAt, cause } = isLonger ? stay : last;
      Object.assign(last, { role: stay.role, leftAt, cause });
    }
    const others = this.stays.filter((stay) => stay.userId !== userId);
    this.stays.splice(0, Infinity, ...[...others, ...merged].toSorted((one, other) => one.joinedAt - other.joinedAt));
  }
}
