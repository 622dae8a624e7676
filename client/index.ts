/**
 * The client and its sessions, for any framework or none.
 *
 * @module client
 */

export type {
  ActivityItem,
  LeaveCause,
  Machine,
  Role,
  SessionMetadata,
  SessionParticipant,
  Status,
  Stay,
} from '../protocol/entities.ts';
export { createClient } from './client.ts';
export type {
  Client,
  ClientEvents,
  ClientOptions,
  CreateOptions,
  JoinOptions,
  Machines,
  OpenOptions,
  Self,
} from './client-api.ts';
export type { ClientState } from './client-state.ts';
export { type ErrorCode, RollcallError } from './errors.ts';
export type { LoggedActivity } from './outbox.ts';
export { ReconnectionManager, type ReconnectionOptions } from './reconnection.ts';
export type { ActivityQuery, Invite, InviteTerms, RequestOptions, Session } from './session-api.ts';
export type { SessionEvents } from './session-events.ts';
export type {
  Broadcast,
  DataPatch,
  Leave,
  Register,
  Registered,
  SessionInfo,
  SessionSnapshot,
  SessionState,
  TypeSchema,
  Types,
  User,
  UserCursor,
} from './types.ts';
