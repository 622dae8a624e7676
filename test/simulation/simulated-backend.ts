import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { Membership } from '../../lambdas/connections/connection-registry.ts';
import type { ChangedData } from '../../lambdas/platform/kept-data.ts';
import type { Turn } from '../../lambdas/platform/turn.ts';
import type { BaseWorld } from './base-world.ts';
import { SimulatedTable } from './simulated-table.ts';

/** A slot of a session in PostgreSQL. */
interface Place {
  joinedAt: number;
  lastJoinedAt: number;
  active: boolean;
}

/** A row of the audit trail. */
export interface AuditRow {
  sessionId: string;
  userId: string;
  type: string;
  at: number;
  details: Record<string, unknown>;
}

const sessionOf = (sessionId: string) => ({ id: sessionId, sessionId: `SESSION-${sessionId}`, metadata: {} });

/** DynamoDB and PostgreSQL of a world: the registry, the sessions and the audit trail as the use cases call them. */
export class SimulatedBackend {
  readonly #world: BaseWorld;
  readonly #table = new SimulatedTable();
  readonly places = new Map<string, Place>();
  readonly audit: AuditRow[] = [];
  readonly #auditIds = new Set<string>();

  constructor(world: BaseWorld) {
    this.#world = world;
  }

  readonly registry = {
    add: (connection: { connectionId: string }) =>
      this.#call('registry.add', () => {
        this.#table.add(connection.connectionId);
      }),
    join: (membership: Membership, turn: Turn = {}) =>
      this.#call('registry.join', () => this.#table.join(membership, turn)),
    leave: (connectionId: string, sessionId: string, turn: Turn, at: number) =>
      this.#call('registry.leave', () => this.#table.leave(connectionId, sessionId, turn, at)),
    amend: (membership: Membership, fields: Partial<Membership>) =>
      this.#call('registry.amend', () => this.#table.amend(membership, fields)),
    takeBack: (membership: Membership) => this.#call('registry.takeBack', () => this.#table.takeBack(membership)),
    hasLeftAfter: (connectionId: string, sessionId: string, turn: Turn) =>
      this.#call('registry.hasLeftAfter', () => this.#table.hasLeftAfter(connectionId, sessionId, turn)),
    setInvisible: (seat: Pick<Membership, 'sessionId' | 'userId'>, invisible: boolean, chosenAt: number) =>
      this.#call('registry.setInvisible', () => this.#table.setInvisible(seat, invisible, chosenAt)),
    inheritInvisible: (seat: Pick<Membership, 'connectionId' | 'sessionId'>, seenAt: number) =>
      this.#call('registry.inheritInvisible', () => this.#table.inheritInvisible(seat, seenAt)),
    membership: (connectionId: string, sessionId: string) =>
      this.#call('registry.membership', () => this.membership(connectionId, sessionId)),
    memberships: (connectionId: string) =>
      this.#call('registry.memberships', () => this.#table.memberships(connectionId)),
    members: (sessionId: string) => this.#call('registry.members', () => this.#table.members(sessionId)),
    setCompact: (connectionId: string, compact: boolean) =>
      this.#call('registry.setCompact', () => this.#table.setCompact(connectionId, compact)),
    isCompact: async (connectionId: string) => this.#table.isCompact(connectionId),
    setData: (seat: Pick<Membership, 'connectionId' | 'sessionId' | 'userId'>, told: ChangedData) =>
      this.#call('registry.setData', () => this.#table.setData(seat, told)),
    ending: (connectionId: string) =>
      this.#call('registry.ending', () => ({
        memberships: this.#table.memberships(connectionId),
        gone: this.#table.gone(connectionId),
      })),
    removeGone: (connectionId: string) => this.#call('registry.removeGone', () => this.#table.removeGone(connectionId)),
    remove: (connectionId: string) =>
      this.#call('registry.remove', () => {
        const joined = this.#table.memberships(connectionId);
        this.#table.remove(connectionId);
        return joined;
      }),
  };

  readonly sessions = {
    getParticipants: (sessionId: string) =>
      this.#call('sessions.participants', () =>
        [...this.places]
          .filter(([key, { active }]) => active && key.startsWith(sessionId))
          .map(([key]) => ({
            userId: key.slice(sessionId.length + 1),
            anonymousId: null,
          })),
      ),
    resolveSessionId: (sessionRef: string) => this.#call('sessions.resolve', () => sessionRef),
    authorize: (sessionId: string) =>
      this.#call('sessions.authorize', () => ({
        session: sessionOf(sessionId),
        access: { isOwner: false, role: 'viewer' },
      })),
    joinSession: ({ sessionRef, person }: { sessionRef: string; person: { userId: string } }) => {
      const now = this.#world.clock.now;
      return this.#call('sessions.join', () => this.#takePlace(sessionRef, person.userId, now));
    },
    getStay: (sessionId: string, userId: string) =>
      this.#call('sessions.stay', () => {
        const isActive = this.places.get(`${sessionId}:${userId}`)?.active;
        return { role: 'viewer', leftCause: isActive ? null : 'left' };
      }),
    leaveSession: (sessionId: string, userId: string, _cause: string, options: { joinedUntil?: number } = {}) => {
      const now = this.#world.clock.now;
      return this.#call('sessions.leave', () => this.#givePlaceBack(sessionId, userId, now, options.joinedUntil));
    },
    releaseSlots: (leaves: { sessionId: string; personId: string; joinedUntil: number }[]) => {
      const now = this.#world.clock.now;
      return this.#callFor(leaves, 'sessions.leave', () => {
        for (const one of leaves) this.#givePlaceBack(one.sessionId, one.personId, now, one.joinedUntil);
      });
    },
  };

  /** Each key has a live session: the first session of the world has the key `1`, and so on. */
  readonly sessionKeys = {
    live: (key: string) => this.#call('keys.live', () => this.#world.sessionIds[Number(key) - 1]),
  };

  readonly activity = {
    lastMovement: (sessionId: string, userId: string, until?: number) =>
      this.#call('activity.movement', () => this.#lastMovement({ sessionId, userId, until })),
    lastMovements: (queries: { sessionId: string; userId: string; until?: number }[]) =>
      this.#callFor(queries, 'activity.movement', () => queries.map((query) => this.#lastMovement(query))),
    logActivity: (
      sessionId: string,
      userId: string,
      type: string,
      details: Record<string, unknown>,
      { activityId }: { activityId?: string },
    ) => {
      const { now } = this.#world.clock;
      const activity = { id: activityId, sessionId, userId, activityType: type, details };
      return this.#call('activity.log', () => ({
        ...this.#log({ sessionId, userId, type, details, activityId }, now),
        activity,
      }));
    },
    getSessionActivity: (sessionId: string) => this.#call('activity.page', () => ({ items: this.#page(sessionId) })),
    logActivities: (entries: readonly ActivityParams[]) => {
      const { now } = this.#world.clock;
      return this.#callFor(entries, 'activity.log', () => entries.map((entry) => this.#log(entry, now)));
    },
  };

  /** The newest entries of a session. */
  #page(sessionId: string) {
    const rows = this.audit.filter((row) => row.sessionId === sessionId).slice(-10);
    return rows.map(({ userId, type, details }) => ({ userId, activityType: type, details })).toReversed();
  }

  #lastMovement({ sessionId, userId, until }: { sessionId: string; userId: string; until?: number | undefined }) {
    return this.audit
      .filter((row) => row.sessionId === sessionId && row.userId === userId && row.at <= (until ?? row.at))
      .filter(({ type }) => ['user_joined', 'user_left', 'user_timeout'].includes(type))
      .toSorted((a, b) => b.at - a.at)
      .at(0);
  }

  #log({ sessionId, userId, type, details = {}, activityId, at }: ActivityParams, now: number) {
    const isNew = activityId === undefined || !this.#auditIds.has(activityId);
    if (activityId) this.#auditIds.add(activityId);
    if (isNew) {
      this.audit.push({ sessionId, userId: userId!, type, at: at ?? now, details });
      this.#world.note(`audit ${type} ${this.#world.short(userId!)} ${JSON.stringify(details)}`);
    }
    return { isNew, isStored: true };
  }

  membership(connectionId: string, sessionId: string): Membership | undefined {
    return this.#table.membership(connectionId, sessionId);
  }

  /** Whether the connection table has a connection of the user in the session. */
  isMember(sessionId: string, userId: string): boolean {
    return this.#table.members(sessionId).some((member) => member.userId === userId);
  }

  /** Whether the connection table has another connection of the user in the session. */
  hasOther(sessionId: string, userId: string, connectionId: string): boolean {
    const isOther = (member: { userId: string; connectionId: string }) =>
      member.userId === userId && member.connectionId !== connectionId;
    return this.#table.members(sessionId).some(isOther);
  }

  occupiedSessions(): string[] {
    return this.#world.sessionIds.filter((id) =>
      [...this.places].some(([key, { active }]) => active && key.startsWith(id)),
    );
  }

  #takePlace(sessionId: string, userId: string, now: number) {
    const key = `${sessionId}:${userId}`;
    const place = this.places.get(key) ?? { joinedAt: now, lastJoinedAt: now, active: false };
    const activated = !place.active;
    if (activated) place.joinedAt = now;
    place.lastJoinedAt = Math.max(place.lastJoinedAt, now);
    place.active = true;
    this.places.set(key, place);
    return { session: sessionOf(sessionId), role: 'viewer', activated, inviteId: null, inviteRefusal: null };
  }

  #givePlaceBack(sessionId: string, userId: string, now: number, joinedUntil: number | undefined) {
    const place = this.places.get(`${sessionId}:${userId}`);
    const leaves = place?.active && (joinedUntil === undefined || place.lastJoinedAt <= joinedUntil);
    if (place && leaves) place.active = false;
    const durationSeconds = place && leaves ? Math.round((now - place.joinedAt) / 1000) : 0;
    return { sessionId, wasActive: Boolean(leaves), durationSeconds };
  }

  #call<T>(label: string, action: () => T): Promise<T> {
    return this.#world.call(label, action);
  }

  /** Without rows no statement is sent. */
  async #callFor<T>(rows: readonly unknown[], label: string, action: () => T): Promise<T> {
    return rows.length === 0 ? action() : this.#call(label, action);
  }
}
