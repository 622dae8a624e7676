import { claimedRole } from '../../protocol/access-claim.ts';
import type { Session, SessionParticipant } from '../../protocol/entities.ts';
import type { RollcallError } from '../../protocol/errors.ts';
import { type Access, type Action, isPermitted } from '../../protocol/permissions.ts';
import type { Asker } from './asker.ts';
import { expiresAt, statusAt } from './expiry.ts';
import { refusals } from './refusals.ts';
import type { StoredAccess, StoredSession } from './session-repository.ts';

export interface SessionAccess {
  session: Session;
  access: Access;
  /** Whether the person took part and was removed. */
  removed: boolean;
  /** The person's newest stay; `isActive` says whether they hold a slot now. Null if it gives them no access. */
  participant: SessionParticipant | null;
}

/**
 * Computes a person's access from the stored session and their stay. If they have an access claim, only the claim counts: it can
 * make even the owner a viewer (rule SE12).
 */
export function accessOf(stored: StoredAccess, { userId, claim }: Asker): SessionAccess {
  const { session, participant, ownRole } = stored;
  const isOwner = session.ownerId === userId.toLowerCase();
  if (claim) {
    const role = claimedRole(claim, session.operationId) ?? null;
    return {
      session,
      removed: false,
      participant,
      access: { isOwner: isOwner && role === 'operator', role, isPublic: false },
    };
  }
  return {
    session,
    removed: stored.removed,
    participant: ownRole === null ? null : participant,
    access: { isOwner, role: ownRole, isPublic: session.isPublic },
  };
}

/** The refusal of an action. It does not reveal whether a session exists that the person may not see (rule SE13). */
export function denied({ access, removed }: SessionAccess, action: Action): RollcallError {
  return removed || isPermitted(access, 'view') ? refusals.notAllowed(action) : refusals.notFound();
}

/** The session at this moment. It is expired from its time on, also before a sweep records that (rule SE5). */
export function sessionAt(stored: StoredSession, now: number, sessionTimeoutMillis: number): Session {
  const { session, lastActivityAt } = stored;
  const status = statusAt({ status: session.status, lastActivityAt }, now, sessionTimeoutMillis);
  if (status === session.status) return session;
  return { ...session, status, active: false, endTime: expiresAt(lastActivityAt, sessionTimeoutMillis) };
}
