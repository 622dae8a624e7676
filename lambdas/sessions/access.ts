import type { Session, SessionParticipant } from '../../protocol/entities.ts';
import { expiresAt, statusAt } from './expiry.ts';
import type { Access } from './permissions.ts';
import type { StoredAccess, StoredSession } from './session-repository.ts';

export interface SessionAccess {
  session: Session;
  access: Access;
  /** The newest stay of the person; `isActive` tells whether they hold a slot now. Null if there is none, or it ended by a removal. */
  participant: SessionParticipant | null;
}

/** Computes the access of a person from the stored session and their stay. */
export function accessOf(stored: StoredAccess, personId: string): SessionAccess {
  const participant = stored.removed ? null : stored.participant;
  return {
    session: stored.session,
    participant,
    access: {
      isOwner: stored.session.ownerId === personId.toLowerCase(),
      role: participant?.role ?? null,
      isPublic: stored.session.isPublic,
    },
  };
}

/** The session at this moment. It is expired from its time on, also before a sweep records that (rule SE5). */
export function sessionAt(stored: StoredSession, now: number, sessionTimeoutMillis: number): Session {
  const { session, lastActivityAt } = stored;
  const status = statusAt({ status: session.status, lastActivityAt }, now, sessionTimeoutMillis);
  if (status === session.status) return session;
  return { ...session, status, active: false, endTime: expiresAt(lastActivityAt, sessionTimeoutMillis) };
}
