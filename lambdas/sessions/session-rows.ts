import type { Role, Session, SessionMetadata, SessionParticipant, SessionStatus } from '../../protocol/entities.ts';
import { type Expiry, minutesBetween } from './expiry.ts';

/** A time from `pg`: a Date from a column, or ISO 8601 text from JSON. */
type Time = Date | string;

export interface SessionRow {
  id: string;
  session_id: string;
  operation_id: string;
  key: string | null;
  owner_id: string;
  status: SessionStatus;
  target: string | null;
  objective: string | null;
  is_public: boolean;
  max_participants: number;
  metadata: SessionMetadata;
  start_time: Time;
  end_time: Time | null;
  active: boolean;
  last_active_at: Time;
  updated_at: Time;
}

/** A session that was just recovered, and its expiry. */
export interface RecoveredRow extends SessionRow {
  /** Whether no sweep has announced that expiry. */
  unannounced: boolean;
  expired_at: Time;
  participants: number;
}

export interface ParticipantRow {
  id: string;
  session_id: string;
  user_id: string | null;
  anonymous_id: string | null;
  name: string | null;
  role: Role;
  /** Whether an access claim gave the role. Then `own_role` is the role without the claim. */
  by_claim: boolean;
  own_role: Role | null;
  is_active: boolean;
  joined_at: Time;
  last_seen_at: Time | null;
  left_at: Time | null;
  kind: 'agent' | null;
  /** The user for whom an agent acted when it joined. */
  on_behalf_of: string | null;
  /** The last change of that user, if the statement asks for it. */
  reassignment?: { onBehalfOf?: string } | null;
}

export function millis(time: Time): number {
  return new Date(time).getTime();
}

const millisOrNull = (time: Time | null) => (time === null ? null : millis(time));

export function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    sessionId: row.session_id,
    operationId: row.operation_id,
    ...(row.key === null ? {} : { key: row.key }),
    ownerId: row.owner_id,
    status: row.status,
    target: row.target,
    objective: row.objective,
    isPublic: row.is_public,
    maxParticipants: row.max_participants,
    metadata: row.metadata,
    startTime: millis(row.start_time),
    endTime: millisOrNull(row.end_time),
    active: row.active,
    lastActiveAt: millis(row.last_active_at),
    updatedAt: millis(row.updated_at),
  };
}

export function toExpiry({ id, start_time, expired_at, participants }: RecoveredRow): Expiry {
  const expiredAt = millis(expired_at);
  const durationMinutes = minutesBetween(millis(start_time), expiredAt);
  return { sessionId: id, expiredAt, durationMinutes, participantCount: participants };
}

/** The role without an access claim, of a person who was not removed. */
export function ownRoleOf({ role, by_claim, own_role }: ParticipantRow): Role | null {
  return by_claim ? own_role : role;
}

function agentColumnsOf({ kind, on_behalf_of, reassignment }: ParticipantRow) {
  if (!kind) return {};
  const onBehalfOf = reassignment ? reassignment.onBehalfOf : on_behalf_of;
  return { kind, ...(onBehalfOf ? { onBehalfOf } : {}) };
}

export function toParticipant(row: ParticipantRow): SessionParticipant {
  return {
    id: row.id,
    sessionId: row.session_id,
    userId: row.user_id,
    anonymousId: row.anonymous_id,
    name: row.name,
    role: row.role,
    isActive: row.is_active,
    joinedAt: millis(row.joined_at),
    lastSeenAt: millisOrNull(row.last_seen_at),
    leftAt: millisOrNull(row.left_at),
    ...agentColumnsOf(row),
  };
}
