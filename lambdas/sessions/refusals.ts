import { RollcallError } from '../../protocol/errors.ts';
import { durationText, expiredInviteText } from './expiry.ts';

/** Why an invite was refused. The database decides all reasons but `forged`. */
export type InviteRefusal = 'forged' | 'unknown' | 'revoked' | 'expired' | 'removed' | 'used_up' | 'signed_in';

/** A join was refused. Carries what the audit trail needs about a refused invite (rule SE7). */
export class JoinRefused extends RollcallError {
  /** UUID of the session, if it exists. */
  readonly sessionId: string | undefined;
  readonly inviteId: string | undefined;
  readonly inviteRefusal: InviteRefusal | undefined;

  constructor(
    refusal: RollcallError,
    context: {
      sessionId?: string | undefined;
      inviteId?: string | undefined;
      inviteRefusal?: InviteRefusal | undefined;
    },
  ) {
    super(refusal.code, refusal.message);
    this.sessionId = context.sessionId;
    this.inviteId = context.inviteId;
    this.inviteRefusal = context.inviteRefusal;
  }
}

/** All refusals of this folder. Each says what is wrong and one next step. */
export const refusals = {
  notFound: () =>
    new RollcallError(
      'SESSION_NOT_FOUND',
      'There is no such session, or you may not see it; check the link or ask its owner for an invitation.',
    ),
  ended: () =>
    new RollcallError('SESSION_INACTIVE', 'This session has ended; ask its owner to create a new one to go on.'),
  expired: (sessionTimeoutMillis: number) =>
    new RollcallError(
      'SESSION_INACTIVE',
      `Session expired after ${durationText(sessionTimeoutMillis)} of inactivity; ask its owner to recover it.`,
    ),
  recoveryOver: (key: string | undefined) =>
    new RollcallError(
      'SESSION_INACTIVE',
      key === undefined
        ? 'This session expired too long ago to be recovered; create a new session to go on.'
        : 'This session expired too long ago, or another one has begun under its key; open the key to go on.',
    ),
  full: (maximum: number) =>
    new RollcallError(
      'SESSION_FULL',
      `This session has reached its maximum of ${maximum} participants; try again when somebody has left.`,
    ),
  notInvited: () =>
    new RollcallError('PERMISSION_DENIED', 'This session is not open to everybody; ask its owner for an invitation.'),
  removed: () =>
    new RollcallError('PERMISSION_DENIED', 'The owner removed you from this session; ask them for a new invitation.'),
  notClaimed: () => new RollcallError('PERMISSION_DENIED', 'Your token does not cover this key; ask for access to it.'),
  notCreator: () =>
    new RollcallError(
      'PERMISSION_DENIED',
      'Your token does not let you begin a session here; wait until an operator has begun one.',
    ),
  claimDecides: () =>
    new RollcallError(
      'PERMISSION_DENIED',
      "This person's token decides their role; change it where your application issues tokens.",
    ),
  inviteExpired: (sessionTimeoutMillis: number) =>
    new RollcallError('INVITE_EXPIRED', expiredInviteText(sessionTimeoutMillis)),
  inviteInvalid: (reason: InviteRefusal) => new RollcallError('INVITE_INVALID', inviteTexts[reason]),
  noSuchInvite: () =>
    new RollcallError('INVITE_INVALID', 'This session has no such invitation; it may have been withdrawn already.'),
  notAllowed: (needed: 'view' | 'comment' | 'operate' | 'manage') =>
    new RollcallError('PERMISSION_DENIED', permissionTexts[needed]),
  ownerStays: () =>
    new RollcallError('PERMISSION_DENIED', 'The owner cannot be removed or demoted; end the session instead.'),
  notParticipant: () =>
    new RollcallError('NOT_IN_SESSION', 'That person is not in this session; refresh the list of participants.'),
  agentRemoved: () =>
    new RollcallError('PERMISSION_DENIED', 'This agent was removed from the session; use another one there.'),
  idOfUser: () => new RollcallError('PERMISSION_DENIED', 'This id belongs to a user; give the agent another name.'),
  guestWithoutToken: () =>
    new RollcallError(
      'PERMISSION_DENIED',
      'Only a signed-in user can take over the presence of a guest; connect with a token.',
    ),
  guestElsewhere: () =>
    new RollcallError(
      'PERMISSION_DENIED',
      'A guest can only use the session they were invited to; sign in to use others.',
    ),
};

const inviteTexts: Record<InviteRefusal, string> = {
  forged: 'This invitation is not valid for this session; ask for a new one.',
  unknown: 'This invitation is not valid for this session; ask for a new one.',
  revoked: 'This invitation has been withdrawn; ask for a new one.',
  expired: 'This invitation has expired; ask for a new one.',
  removed: 'The owner removed you from this session; ask them for a new invitation.',
  signed_in: 'This guest has signed in; join with that account.',
  used_up: 'This invitation has been used as often as it may be; ask for a new one.',
};

const permissionTexts = {
  view: 'You cannot see this session; ask its owner for an invitation.',
  comment: 'Viewers cannot comment here; ask the owner for the commenter role.',
  operate: 'Only operators can do this here; ask the owner for the operator role.',
  manage: 'Only the owner of the session can do this; ask them to.',
};
