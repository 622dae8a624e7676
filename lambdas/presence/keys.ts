import { scriptKeyNames } from './scripts/script-table.ts';

/** Names of the Redis keys. The braces are literal: they are the hash tag that keeps a session on one shard. */
export const presenceKeys = {
  record: (sessionId: string, userId: string) => `${presenceKeys.recordPrefix(sessionId)}${userId}`,
  recordPrefix: (sessionId: string) => `presence:{${sessionId}}:`,
  users: (sessionId: string) => `presence:session:{${sessionId}}`,
  channel: (sessionId: string) => `presence:updates:{${sessionId}}`,
  connections: (sessionId: string) => `presence:connections:{${sessionId}}`,
  active: (sessionId: string) => `presence:active:{${sessionId}}`,
  leaving: (sessionId: string) => `presence:leaving:{${sessionId}}`,
  cursors: (sessionId: string) => `presence:cursors:{${sessionId}}`,
  epoch: (sessionId: string) => `presence:epoch:{${sessionId}}`,
  journal: (sessionId: string) => `presence:departed:{${sessionId}}`,
  window: (sessionId: string) => `presence:window:{${sessionId}}`,
  pending: (sessionId: string) => `presence:pending:{${sessionId}}`,
  changes: (sessionId: string) => `presence:changes:{${sessionId}}`,
  rates: (sessionId: string) => `presence:rates:{${sessionId}}`,
  roles: (sessionId: string) => `presence:roles:{${sessionId}}`,
  tags: (sessionId: string) => `presence:tags:{${sessionId}}`,
  compact: (sessionId: string) => `presence:compact:{${sessionId}}`,
  orders: (sessionId: string) => `presence:orders:{${sessionId}}`,
  membership: (sessionId: string, connectionId: string) => `presence:membership:{${sessionId}}:${connectionId}`,
  published: (sessionId: string, mark: string) => `presence:published:{${sessionId}}:${mark}`,
  due: (shard: number) => `presence:due:{${shard}}`,
  dueLease: (shard: number) => `${presenceKeys.due(shard)}:lease`,
  dueMark: (shard: number) => `${presenceKeys.due(shard)}:mark`,
  moving: (shard: number) => `presence:moving:{${shard}}`,
  rate: (connectionId: string) => `presence:rate:{${connectionId}}`,
  sweeps: 'presence:sweeps',
  /** The braces put it into the slot of `sweeps`, because one script uses both. */
  spend: '{presence:sweeps}:spend',
  /** The connections that watch the figures of the service. */
  watchers: 'presence:watchers',
  sweepCall: 'presence:sweep:call',
  sweepPulse: 'presence:sweep:pulse',
} as const;

/** The keys of a session for a presence script. */
export function scriptKeys(sessionId: string): string[] {
  return scriptKeyNames.map((name) => presenceKeys[name](sessionId));
}
