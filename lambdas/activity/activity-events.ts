import type { LeaveCause, Role } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { isServerActivityType } from '../../protocol/server-activity.ts';
import type { ActivityContext, ActivityParams } from './activity-entry.ts';

/** The entries that the server writes about its own actions. They alone say who joined and who left. */

/** @throws RollcallError INVALID_MESSAGE for a type that only the server writes. */
export function checkClientActivityType(type: string): void {
  if (!isServerActivityType(type)) return;
  throw new RollcallError(
    'INVALID_MESSAGE',
    `Only the server writes activity of the type "${type}". Choose another type.`,
  );
}

/** The session and the user; `userId` is null if no user did it. */
export interface Actor extends ActivityContext {
  sessionId: string;
  userId: string | null;
}

const entry = (actor: Actor, type: string, details: Record<string, unknown>): ActivityParams => ({
  ...actor,
  type,
  details: Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)),
});

/** What an entry says of an agent. */
export interface AgentDetails {
  onBehalfOf?: string | undefined;
  keyId?: string | undefined;
}

/** @param agent present if the user is an agent. */
export const userJoined = (actor: Actor, role: Role, agent?: AgentDetails) =>
  entry(actor, 'user_joined', {
    role,
    ...(agent && { kind: 'agent', onBehalfOf: agent.onBehalfOf, keyId: agent.keyId }),
  });

/** @param durationSeconds how long the user was present. @param agent present if the user is an agent, with the key that ended it. */
export const userLeft = (
  actor: Actor,
  cause: LeaveCause,
  durationSeconds: number,
  agent?: { kind: 'agent'; keyId?: string | undefined },
) => entry(actor, 'user_left', { cause, durationSeconds: wholeSeconds(durationSeconds), ...agent });

/** @param durationSeconds how long the user was present. */
export const userTimedOut = (actor: Actor, durationSeconds: number) =>
  entry(actor, 'user_timeout', { reason: 'heartbeat_timeout', durationSeconds: wholeSeconds(durationSeconds) });

const wholeSeconds = (seconds: number) => Math.max(0, Math.round(seconds));

export const sessionCreated = (actor: Actor, operationId: string) => entry(actor, 'session_created', { operationId });

export const sessionEnded = (actor: Actor, status: 'completed' | 'failed') => entry(actor, 'session_ended', { status });

/** @param reason the error code of the answer to the user. */
export const sessionEndRefused = (actor: Actor, reason: string) => entry(actor, 'session_end_refused', { reason });

/** @param activityType what the user wanted to log. @param reason the error code of the answer to the user. */
export const activityRefused = (actor: Actor, activityType: string, reason: string) =>
  entry(actor, 'activity_refused', { reason, activityType });

/** @param durationMinutes from the session's start to its expiry. */
export const sessionExpired = (sessionId: string, durationMinutes: number, participantCount: number) =>
  entry({ sessionId, userId: null }, 'session_expired', {
    reason: 'inactivity_timeout',
    durationMinutes: Math.max(0, Math.round(durationMinutes)),
    participantCount,
  });

export const sessionRecovered = (actor: Actor) => entry(actor, 'session_recovered', {});

export const inviteCreated = (actor: Actor, inviteId: string, role: Role) =>
  entry(actor, 'invite_created', { inviteId, role });

export const inviteRevoked = (actor: Actor, inviteId: string) => entry(actor, 'invite_revoked', { inviteId });

export const inviteUsed = (actor: Actor, inviteId: string, role: Role) =>
  entry(actor, 'invite_used', { inviteId, role });

/** @param reason the error code of the answer to the person who used the invite. */
export const inviteRefused = (actor: Actor, reason: string, inviteId?: string) =>
  entry(actor, 'invite_refused', { reason, inviteId });

/**
 * @param guestId the id that the user had as a guest.
 * @param stayEnded whether the guest was present and the user has a stay of their own, so two stays became one.
 */
export const guestSignedIn = (actor: Actor, guestId: string, role: Role, stayEnded: boolean) =>
  entry(actor, 'guest_signed_in', { guestId, role, stayEnded: stayEnded || undefined });

export const participantRoleChanged = (actor: Actor, targetUserId: string, role: Role, previousRole?: Role) =>
  entry(actor, 'participant_role_changed', { targetUserId, role, previousRole });

export const participantRemoved = (actor: Actor, targetUserId: string, reason?: string) =>
  entry(actor, 'participant_removed', { targetUserId, reason });

/**
 * @param action what the program wanted to do. @param reason the error code of the answer to it.
 */
export const programRefused = (actor: Actor, action: string, reason: string) =>
  entry(actor, 'program_refused', { reason, action });

/** @param onBehalfOf the user for whom the agent acts from then on; undefined for nobody in particular. */
export const agentReassigned = (actor: Actor, { onBehalfOf, keyId }: AgentDetails) =>
  entry(actor, 'agent_reassigned', { kind: 'agent', onBehalfOf, keyId });

export const commentAdded = (actor: Actor, commentId: string, text?: string) =>
  entry(actor, 'comment_added', { commentId, text });

export const actionTaken = (actor: Actor, action: string, details: Record<string, unknown> = {}) =>
  entry(actor, 'action_taken', { ...details, action });
