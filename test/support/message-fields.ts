import type { MessageType } from '../../protocol/messages.ts';

const cursor = { eventId: 'e', position: 1 };
/** The id of a user who does not exist. */
export const somebody = '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f';
/** A valid message of each type, without its session. */
export const messageFields: Record<MessageType, object> = {
  hello: {},
  ping: {},
  session_create: { operationId: 'op' },
  session_join: {},
  session_open: { key: 'elsewhere' },
  session_leave: {},
  session_end: {},
  session_recover: {},
  presence_update: { status: 'away' },
  presence_sync: {},
  cursor_update: { cursor },
  broadcast: { event: 'wave' },
  heartbeat: {},
  participants_list: {},
  participant_role: { userId: somebody, role: 'operator' },
  participant_remove: { userId: somebody },
  invite_create: { role: 'operator' },
  invite_revoke: { inviteId: somebody },
  activity_log: { activityType: 'noted' },
  activity_query: {},
  presence_history: { at: 1 },
  machine_register: { machineId: 'm', name: 'M' },
  machine_heartbeat: { machineId: 'm' },
  machine_list: {},
  figures_watch: {},
};
