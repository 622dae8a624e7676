import type { Role, SessionParticipant } from '../../protocol/entities.ts';
import type { Json } from '../presence.ts';
import type { ServerConnection } from './person.ts';

export interface Invitation {
  inviteId: string;
  role: Role;
  createdAt: number;
  expiresAt: number;
  /** How often it was used, and how often it may be used. */
  uses: number;
  maxUses: number;
  isRevoked: boolean;
}

/** What is kept of a user who timed out: their data, and the choice to be invisible. */
export interface Kept {
  data?: Json | undefined;
  status?: 'offline' | undefined;
}

/** Who takes a slot. */
export interface Holder {
  userId: string;
  username: string;
  /** Whether it is a guest or an agent. */
  isAnonymous: boolean;
  kind?: 'agent';
  onBehalfOf?: string | undefined;
}

/** Who may be in a session, who holds a slot there, and which connections joined it. */
export class RoomAccess {
  /** The last stay of each person, by user id. */
  readonly participants = new Map<string, SessionParticipant>();
  /** The role that each person has without an access claim. */
  readonly rights = new Map<string, Role>();
  /** The people who joined by an access claim the last time. */
  readonly claimed = new Set<string>();
  /** The people whom the owner removed, and when. */
  readonly removals = new Map<string, number>();
  /** When the owner last removed each person, also one who has returned. */
  readonly lastRemovals = new Map<string, number>();
  /** When the owner last set the role of a person. */
  readonly decisions = new Map<string, number>();
  readonly invitations = new Map<string, Invitation>();
  /** The users that guests turned out to be. */
  readonly identities = new Map<string, string>();
  /** The connections that joined and have not left, with what a user who timed out gets back with their next frame. */
  readonly members = new Map<ServerConnection, Kept>();

  /** Those who hold a slot, the first to join first. */
  holders(): SessionParticipant[] {
    return [...this.participants.values()]
      .filter(({ isActive }) => isActive)
      .sort((one, other) => one.joinedAt - other.joinedAt);
  }

  /** Whether a person needs a slot and none is free. @param guestId the guest who they were, whose slot they get. */
  isFullFor(userId: string, maxParticipants: number, guestId?: string): boolean {
    const held = [...this.participants].filter(([id, { isActive }]) => isActive && id !== guestId);
    return !this.participants.get(userId)?.isActive && held.length >= maxParticipants;
  }

  /** Gives a person a slot, or keeps theirs. */
  hold(sessionId: string, { userId, username, isAnonymous, kind, onBehalfOf }: Holder, role: Role, now: number): void {
    const known = this.participants.get(userId);
    const id = known?.id ?? crypto.randomUUID();
    const who = isAnonymous ? { userId: null, anonymousId: userId } : { userId, anonymousId: null };
    const agent = kind && { kind, ...(onBehalfOf ? { onBehalfOf } : {}) };
    const joinedAt = known?.isActive ? known.joinedAt : now;
    const times = { isActive: true, joinedAt, lastSeenAt: now, leftAt: null };
    this.participants.set(userId, { id, sessionId, ...who, name: username, role, ...times, ...agent });
  }

  giveBack(userId: string, now: number): void {
    const known = this.participants.get(userId);
    if (known?.isActive) this.participants.set(userId, { ...known, isActive: false, leftAt: now });
  }

  /** The id of a person: that of the user, for a guest who signed in. */
  idOf(userId: string): string {
    return this.identities.get(userId) ?? userId;
  }

  /** Takes slot and access away. @returns false if the person never took part, or was removed before. */
  remove(userId: string, now: number): boolean {
    if (!this.participants.has(userId) || this.removals.has(userId)) return false;
    this.giveBack(userId, now);
    this.removals.set(userId, now);
    this.lastRemovals.set(userId, now);
    for (const known of [this.rights, this.claimed]) known.delete(userId);
    return true;
  }
}
