import { randomUUID } from 'node:crypto';
import type { Role } from '../../protocol/entities.ts';
import type { Queryable } from '../platform/database.ts';
import type { Asker } from './asker.ts';
import { hashInvite, signInvite } from './invites.ts';
import type { InviteKeys } from './join-gate.ts';
import { refusals } from './refusals.ts';
import { checkInviteInput, checkUuid } from './session-input.ts';
import type { SessionManager } from './session-manager.ts';
import { time } from './sql-times.ts';

/** The end of an invite without a given end. The session usually ends earlier, and an expired session lets nobody in. */
const defaultInviteSeconds = 24 * 60 * 60;

const insertInvite = `
  INSERT INTO session_invites (id, session_id, created_by, token_hash, role, created_at, expires_at, max_uses)
  VALUES ($1, $2, $3, $4, $5, ${time('$6')}, ${time('$7')}, $8)`;
const revokeInvite = `
  WITH found AS (SELECT id, revoked_at FROM session_invites WHERE id = $1 AND session_id = $2 FOR NO KEY UPDATE)
  UPDATE session_invites i SET revoked_at = coalesce(found.revoked_at, ${time('$3')})
  FROM found WHERE i.id = found.id
  RETURNING found.revoked_at IS NULL AS revoked`;

export interface SessionInvitesOptions {
  database: Queryable;
  sessions: Pick<SessionManager, 'authorize'>;
  inviteKeys: InviteKeys;
  clock?: () => number;
}

/** What an invite grants: until when (default: one day) and how often (default: any number of times). */
export interface InviteTerms {
  role: Role;
  expiresInSeconds?: number | undefined;
  maxUses?: number | undefined;
}

export interface CreatedInvite {
  sessionId: string;
  inviteId: string;
  /** The token. It is returned once and not stored. */
  invite: string;
  expiresAt: number;
}

/**
 * Invites to a session (rule SE7). They are signed, stored as a hash, revocable, and have a role, an end and a number of
 * uses.
 */
export class SessionInvites {
  readonly #options: SessionInvitesOptions;
  readonly #clock: () => number;

  constructor(options: SessionInvitesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  /**
   * Makes an invite.
   *
   * @throws RollcallError `PERMISSION_DENIED` unless the asker is the owner, `SESSION_INACTIVE`, `INVALID_MESSAGE`.
   */
  async createInvite(reference: string, asker: Asker, terms: InviteTerms): Promise<CreatedInvite> {
    const checked = checkInviteInput({ sessionId: reference, ...terms });
    const { session } = await this.#options.sessions.authorize(reference, asker, 'manage');
    const now = this.#clock();
    const claims = {
      inviteId: randomUUID(),
      sessionId: session.id,
      expiresAt: now + Math.round((checked.expiresInSeconds ?? defaultInviteSeconds) * 1000),
    };
    const invite = await signInvite(claims, await this.#options.inviteKeys());
    await this.#options.database.query({
      name: 'invite-create',
      text: insertInvite,
      values: [
        ...[claims.inviteId, session.id, asker.userId, hashInvite(invite), checked.role],
        ...[now, claims.expiresAt, checked.maxUses ?? null],
      ],
    });
    return { sessionId: session.id, inviteId: claims.inviteId, invite, expiresAt: claims.expiresAt };
  }

  /**
   * Revokes an invite: nobody can join with it any more, and those who did keep their slots. `revoked` is false the second
   * time.
   *
   * @throws RollcallError `PERMISSION_DENIED` unless the asker is the owner, `INVITE_INVALID` if there is no such invite.
   */
  async revokeInvite(
    reference: string,
    asker: Asker,
    inviteId: string,
  ): Promise<{ sessionId: string; revoked: boolean }> {
    const id = checkUuid('inviteId', inviteId);
    const { session } = await this.#options.sessions.authorize(reference, asker, 'manage', { evenEnded: true });
    const { rows } = await this.#options.database.query<{ revoked: boolean }>({
      name: 'invite-revoke',
      text: revokeInvite,
      values: [id, session.id, this.#clock()],
    });
    if (!rows[0]) throw refusals.noSuchInvite();
    return { sessionId: session.id, revoked: rows[0].revoked };
  }
}
