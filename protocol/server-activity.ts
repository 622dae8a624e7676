/** Types that a client cannot write. Otherwise any client could forge who was present. */
export const serverActivityTypes = [
  'user_joined',
  'user_left',
  'user_timeout',
  'session_created',
  'session_ended',
  'session_end_refused',
  'session_expired',
  'session_recovered',
  'invite_created',
  'invite_revoked',
  'invite_used',
  'invite_refused',
  'guest_signed_in',
  'participant_role_changed',
  'participant_removed',
  'activity_refused',
  'program_refused',
  'agent_reassigned',
] as const;
export type ServerActivityType = (typeof serverActivityTypes)[number];

/** Whether only the server writes entries of this type. */
export function isServerActivityType(type: string): type is ServerActivityType {
  return (serverActivityTypes as readonly string[]).includes(type);
}
