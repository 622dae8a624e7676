import { limits } from './limits.ts';

/**
 * Every duration of the product, read once from the environment and checked against the others.
 *
 * This is the only home of a default: the stack, the handlers, the local stack and the client get theirs from here.
 */

/** Names and defaults of the settings, as a user writes them. */
export const settingDefaults = {
  PRESENCE_UPDATE_SECONDS: 30,
  HEARTBEAT_TIMEOUT_SECONDS: 30,
  AWAY_AFTER_SECONDS: 120,
  RECONNECT_GRACE_SECONDS: 15,
  SESSION_TIMEOUT_HOURS: 1,
  SESSION_WARNING_MINUTES: 5,
  SESSION_RETENTION_HOURS: 24,
  ACTIVITY_RETENTION_DAYS: 90,
  CLEANUP_INTERVAL_MINUTES: 15,
  LIVENESS_TIMEOUT_SECONDS: 600,
  BATCH_MILLIS: 100,
  BATCH_MAX_MESSAGES: 10,
  MAX_PARTICIPANTS: 50,
} as const;

export type SettingName = keyof typeof settingDefaults;
export const settingNames = Object.keys(settingDefaults) as SettingName[];

/** All durations in milliseconds, whatever unit their setting has. */
export interface Timings {
  /** How often a client sends a heartbeat. */
  heartbeatMillis: number;
  /** How late a due heartbeat may be. */
  lateMillis: number;
  /** Without any sign of life for this long a user is offline (rule PR3); also the TTL of a presence record. */
  offlineAfterMillis: number;
  /** Without user activity for this long a user is away (rule PR4). */
  awayAfterMillis: number;
  /** How long a socket that broke may stay away before its end is announced (rule PR7). */
  graceMillis: number;
  /** The same after a clean close. */
  cleanCloseGraceMillis: number;
  sessionTimeoutMillis: number;
  sessionWarningMillis: number;
  sessionRetentionMillis: number;
  activityRetentionMillis: number;
  cleanupIntervalMillis: number;
  livenessTimeoutMillis: number;
  batchMillis: number;
  batchMaxMessages: number;
  maxParticipants: number;
}

/** API Gateway ends a WebSocket connection after two hours and after ten idle minutes; neither can be changed. */
export const connectionLifetimeMillis = 2 * 60 * 60 * 1000;
export const connectionIdleMillis = 10 * 60 * 1000;
/** A client replaces its connection at a random moment between these two (rule CL2). */
export const rolloverMillis = { from: 105 * 60 * 1000, to: 117 * 60 * 1000 } as const;
/** A clean close (reload, closed tab) gets at most this much grace (rule PR7). */
const cleanCloseGraceCapMillis = 3000;
/** How far the clock of the identity provider may be ahead of or behind ours. */
export const tokenLeewaySeconds = 5;
/**
 * The identity provider's keys: how long a fetch may take, and how long after it tokens with unknown keys may cause the
 * next one, once they have caused several in a row.
 */
export const keySetMillis = { fetchTimeout: 3000, refetch: 10_000 } as const;
/** One failing dependency may hold up an answer for at most this long (rule FA1). */
export const dependencyTimeoutMillis = 1000;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Reads the settings, falling back to the defaults for those that are absent or empty.
 *
 * A default gives way to a value that was chosen: with `SESSION_TIMEOUT_HOURS=0.01` alone the warning moves before the
 * end by itself. Two chosen values that cannot go together are refused.
 *
 * @throws Error naming the setting and what to change when a value is not a positive number or the combination cannot
 *   work (a warning after the expiry, a heartbeat slower than the gateway's idle limit, …).
 */
export function readTimings(environment: Record<string, string | undefined>): Timings {
  const value = (name: SettingName) => readSetting(environment, name);
  const chosen = (name: SettingName) => Boolean(environment[name]?.trim());
  const offlineAfter = (value('PRESENCE_UPDATE_SECONDS') + value('HEARTBEAT_TIMEOUT_SECONDS')) * second;
  const sessionTimeout = value('SESSION_TIMEOUT_HOURS') * hour;
  const chosenGrace = value('RECONNECT_GRACE_SECONDS') * second;
  const chosenWarning = value('SESSION_WARNING_MINUTES') * minute;
  const grace = chosen('RECONNECT_GRACE_SECONDS') ? chosenGrace : Math.min(chosenGrace, offlineAfter);
  const warning = chosen('SESSION_WARNING_MINUTES') ? chosenWarning : Math.min(chosenWarning, sessionTimeout / 2);
  const timings: Timings = {
    heartbeatMillis: value('PRESENCE_UPDATE_SECONDS') * second,
    lateMillis: value('HEARTBEAT_TIMEOUT_SECONDS') * second,
    offlineAfterMillis: offlineAfter,
    awayAfterMillis: value('AWAY_AFTER_SECONDS') * second,
    graceMillis: grace,
    cleanCloseGraceMillis: Math.min(cleanCloseGraceCapMillis, grace),
    sessionTimeoutMillis: sessionTimeout,
    sessionWarningMillis: warning,
    sessionRetentionMillis: value('SESSION_RETENTION_HOURS') * hour,
    activityRetentionMillis: value('ACTIVITY_RETENTION_DAYS') * day,
    cleanupIntervalMillis: value('CLEANUP_INTERVAL_MINUTES') * minute,
    livenessTimeoutMillis: value('LIVENESS_TIMEOUT_SECONDS') * second,
    batchMillis: value('BATCH_MILLIS'),
    batchMaxMessages: value('BATCH_MAX_MESSAGES'),
    maxParticipants: value('MAX_PARTICIPANTS'),
  };
  checkRelations(timings, chosen('SESSION_TIMEOUT_HOURS') && chosen('PRESENCE_UPDATE_SECONDS'));
  return timings;
}

function readSetting(environment: Record<string, string | undefined>, name: SettingName): number {
  const text = environment[name]?.trim();
  if (text === undefined || text === '') return settingDefaults[name];
  const value = Number(text);
  const zeroAllowed = name === 'RECONNECT_GRACE_SECONDS' || name === 'SESSION_WARNING_MINUTES';
  if (!Number.isFinite(value) || value < 0 || (value === 0 && !zeroAllowed)) {
    throw new Error(`${name} is "${text}"; set it to a number above zero (the default is ${settingDefaults[name]}).`);
  }
  return value;
}

function checkRelations(timings: Timings, timeoutAndIntervalChosen: boolean): void {
  const rules: [broken: boolean, advice: string][] = [
    [
      timings.heartbeatMillis >= connectionIdleMillis,
      'PRESENCE_UPDATE_SECONDS must be below 600: API Gateway closes a connection that is silent for ten minutes.',
    ],
    [
      timings.graceMillis > timings.offlineAfterMillis,
      'RECONNECT_GRACE_SECONDS must not exceed PRESENCE_UPDATE_SECONDS + HEARTBEAT_TIMEOUT_SECONDS: a user without a sign of life is offline before that grace would end.',
    ],
    [
      timeoutAndIntervalChosen && timings.sessionTimeoutMillis <= timings.heartbeatMillis,
      'SESSION_TIMEOUT_HOURS must be longer than PRESENCE_UPDATE_SECONDS: otherwise a session would expire between two heartbeats of people who are present.',
    ],
    [
      timings.sessionWarningMillis >= timings.sessionTimeoutMillis,
      'SESSION_WARNING_MINUTES must be shorter than SESSION_TIMEOUT_HOURS: the warning comes before the end.',
    ],
    [
      timings.maxParticipants > limits.maxParticipants || !Number.isInteger(timings.maxParticipants),
      `MAX_PARTICIPANTS must be a whole number up to ${limits.maxParticipants}.`,
    ],
    [!Number.isInteger(timings.batchMaxMessages), 'BATCH_MAX_MESSAGES must be a whole number.'],
    [timings.batchMillis > 1000, 'BATCH_MILLIS must be at most 1000: no update waits longer than a second.'],
  ];
  for (const [broken, advice] of rules) if (broken) throw new Error(advice);
}
