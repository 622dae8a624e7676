import type { Session, SessionParticipant } from '../../protocol/entities.ts';
import { expiresAt, statusAt } from './expiry.ts';
import type { Standing } from './permissions.ts';
import type { StoredSession, StoredStanding } from './session-repository.ts';

export interface Access {
  session: Session;
  standing: Standing;
  /** The person's newest stay; `isActive` says whether they hold a place now. Null for a stranger or a removed one. */
  participant: SessionParticipant | null;
}

/** Reads a person's standing off what is stored about them and the session. */
export function accessOf(stored: StoredStanding, personId: string): Access {
  const participant = stored.removed ? null : stored.participant;
  return {
    session: stored.session,
    participant,
    standing: {
      isOwner: stored.session.ownerId === personId.toLowerCase(),
      role: participant?.role ?? null,
      isPublic: stored.session.isPublic,
    },
  };
}

/** The session as it is at this moment: expired from its moment on, not from the sweep that writes it down (rule SE5). */
export function sessionAt(stored: StoredSession, now: number, sessionTimeoutMillis: number): Session {
  const { session, lastActivityAt } = stored;
  const status = statusAt({ status: session.status, lastActivityAt }, now, sessionTimeoutMillis);
  if (status === session.status) return session;
  return { ...session, status, active: false, endTime: expiresAt(lastActivityAt, sessionTimeoutMillis) };
}
