import { limits } from './limits.ts';
import { leastDollarsPerHour, messagesPerSecondWithin } from './unit-costs.ts';

/**
 * The durations and other settings, read from the environment and checked against each other.
 *
 * All defaults are defined here only. The stack, the handlers, the local stack and the client read them from here.
 */

/** Names and defaults of the settings, in the user's units. */
export const settingDefaults = {
  PRESENCE_UPDATE_SECONDS: 30,
  HEARTBEAT_TIMEOUT_SECONDS: 30,
  AWAY_AFTER_SECONDS: 120,
  RECONNECT_GRACE_SECONDS: 15,
  SESSION_TIMEOUT_HOURS: 1,
  SESSION_WARNING_MINUTES: 5,
  SESSION_RETENTION_HOURS: 24,
  ACTIVITY_RETENTION_DAYS: 90,
  ANALYTICS_RETENTION_DAYS: 730,
  CLEANUP_INTERVAL_MINUTES: 15,
  LIVENESS_TIMEOUT_SECONDS: 600,
  BATCH_MILLIS: 100,
  BATCH_MAX_MESSAGES: 10,
  MAX_PARTICIPANTS: 50,
  SESSION_POSTS_PER_SECOND: 2000,
  MAX_CONNECTIONS_PER_USER: 100,
  MAX_CONNECTIONS_PER_INVITE: 1000,
  MAX_CONNECTIONS_PER_ADDRESS: 2000,
} as const;

/** Settings that are `true` or `false`. */
export const flagDefaults = {
  PUBLISH_CURSORS: true,
  TOKENS_IN_URL: true,
  EARLY_WARNINGS: true,
} as const;

/** Numbers that are not set by default. */
const optionalNames = ['MAX_DOLLARS_PER_HOUR'] as const;

/** Settings that are a list, separated by commas. They are empty by default. */
const listNames = ['ALLOWED_ORIGINS'] as const;

/** How long after its last frame a connection that reported `hidden` is due, in milliseconds (rule PR17). */
export const hiddenMillis = 150_000;

type NumberName = keyof typeof settingDefaults;
type FlagName = keyof typeof flagDefaults;
type ListName = (typeof listNames)[number];
type OptionalName = (typeof optionalNames)[number];
export type SettingName = NumberName | FlagName | ListName | OptionalName;
export const settingNames = [
  ...Object.keys(settingDefaults),
  ...Object.keys(flagDefaults),
  ...listNames,
  ...optionalNames,
] as SettingName[];

/** The values of the settings. All durations are in milliseconds. */
export interface Timings {
  /** How often a client sends a heartbeat. */
  heartbeatMillis: number;
  /** How late a heartbeat may arrive. */
  lateMillis: number;
  /** A user without a sign of life for this long is offline [PR3]. Also the TTL of a presence record. */
  offlineAfterMillis: number;
  /** A user without activity for this long is away [PR4]. */
  awayAfterMillis: number;
  /** The grace of a connection that broke [PR7]. */
  graceMillis: number;
  /** The grace after a clean close [PR7]. */
  cleanCloseGraceMillis: number;
  sessionTimeoutMillis: number;
  sessionWarningMillis: number;
  sessionRetentionMillis: number;
  activityRetentionMillis: number;
  analyticsRetentionMillis: number;
  cleanupIntervalMillis: number;
  livenessTimeoutMillis: number;
  batchMillis: number;
  batchMaxMessages: number;
  maxParticipants: number;
  /** Posts that a session may cause in a second (rule CO4). */
  sessionPostsPerSecond: number;
  /** What the service may spend in an hour, in US dollars (rule CO4); undefined: without a bound. */
  maxDollarsPerHour: number | undefined;
  /** How many connections may be open at the same time for one user, one invite and one network address (rule CO1). */
  connectionCaps: { user: number; invite: number; address: number };
  /**
   * Whether each cursor is published on the Redis channel of its session, for programs that subscribe there. Redis sends it to
   * every node of a cluster. Clients of Rollcall do not need it.
   */
  publishesCursors: boolean;
  /** Whether a handshake may have its token in the address (rule SE14). */
  acceptsUrlTokens: boolean;
  /** Whether participants also get an early warning if probably nobody comes back (rule SE16). */
  warnsEarly: boolean;
  /** The origins whose pages may connect (rule SE14). Empty: all. */
  allowedOrigins: readonly string[];
}

/** API Gateway closes a WebSocket connection after two hours, or after ten idle minutes. These quotas are fixed. */
export const connectionLifetimeMillis = 2 * 60 * 60 * 1000;
export const connectionIdleMillis = 10 * 60 * 1000;
/** A client replaces its connection at a random moment between these two [CL2]. */
export const rolloverMillis = { from: 105 * 60 * 1000, to: 117 * 60 * 1000 } as const;
/** The longest grace after a clean close, such as a reload or a closed tab [PR7]. */
const cleanCloseGraceCapMillis = 3000;
/** How much the clocks of the identity provider and the service may differ. */
export const tokenLeewaySeconds = 5;
/**
 * Fetching the identity provider's keys: the time limit of a fetch, and the wait before tokens with unknown keys may
 * cause the next fetch after they caused several in a row.
 */
export const keySetMillis = { fetchTimeout: 3000, refetch: 10_000 } as const;
/** How long a diff may be on its way to a client after it got its number. */
export const diffTravelMillis = 2000;
/** A failing dependency may delay an answer for at most this long [FA1]. */
export const dependencyTimeoutMillis = 1000;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Reads the settings. An absent or empty setting has its default.
 *
 * A default adapts to a chosen value: with only `SESSION_TIMEOUT_HOURS=0.01`, the warning is still sent before the
 * expiry. Two chosen values that contradict each other are refused.
 *
 * @throws Error that names the setting and what to change, if a value is not a positive number or the settings
 * contradict each other (a warning after the expiry, heartbeats less often than the gateway's idle limit, …).
 */
export function readTimings(environment: Record<string, string | undefined>): Timings {
  const value = (name: NumberName | OptionalName) => readSetting(environment, name);
  const chosen = (name: NumberName | OptionalName) => Boolean(environment[name]?.trim());
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
    analyticsRetentionMillis: value('ANALYTICS_RETENTION_DAYS') * day,
    cleanupIntervalMillis: value('CLEANUP_INTERVAL_MINUTES') * minute,
    livenessTimeoutMillis: value('LIVENESS_TIMEOUT_SECONDS') * second,
    batchMillis: value('BATCH_MILLIS'),
    batchMaxMessages: value('BATCH_MAX_MESSAGES'),
    maxParticipants: value('MAX_PARTICIPANTS'),
    sessionPostsPerSecond: value('SESSION_POSTS_PER_SECOND'),
    maxDollarsPerHour: chosen('MAX_DOLLARS_PER_HOUR') ? value('MAX_DOLLARS_PER_HOUR') : undefined,
    connectionCaps: {
      user: value('MAX_CONNECTIONS_PER_USER'),
      invite: value('MAX_CONNECTIONS_PER_INVITE'),
      address: value('MAX_CONNECTIONS_PER_ADDRESS'),
    },
    publishesCursors: readFlag(environment, 'PUBLISH_CURSORS'),
    acceptsUrlTokens: readFlag(environment, 'TOKENS_IN_URL'),
    warnsEarly: readFlag(environment, 'EARLY_WARNINGS'),
    allowedOrigins: readOrigins(environment),
  };
  checkRelations(timings, chosen('SESSION_TIMEOUT_HOURS') && chosen('PRESENCE_UPDATE_SECONDS'));
  return timings;
}

function readFlag(environment: Record<string, string | undefined>, name: FlagName): boolean {
  const text = environment[name]?.trim();
  if (text === undefined || text === '') return flagDefaults[name];
  if (text !== 'true' && text !== 'false') throw new Error(`${name} is "${text}"; set it to true or false.`);
  return text === 'true';
}

function readOrigins(environment: Record<string, string | undefined>): readonly string[] {
  const origins = (environment['ALLOWED_ORIGINS'] ?? '').split(',').map((text) => text.trim());
  const chosen = origins.filter((text) => text !== '');
  const wrong = chosen.find((text) => URL.parse(text)?.origin !== text);
  if (wrong === undefined) return chosen;
  throw new Error(`ALLOWED_ORIGINS has "${wrong}"; list origins like https://app.example.com, separated by commas.`);
}

function readSetting(environment: Record<string, string | undefined>, name: NumberName | OptionalName): number {
  const text = environment[name]?.trim();
  const fallback = name === 'MAX_DOLLARS_PER_HOUR' ? undefined : settingDefaults[name];
  if ((text === undefined || text === '') && fallback !== undefined) return fallback;
  const value = Number(text);
  const zeroAllowed = name === 'RECONNECT_GRACE_SECONDS' || name === 'SESSION_WARNING_MINUTES';
  if (!Number.isFinite(value) || value < 0 || (value === 0 && !zeroAllowed)) {
    const hint = fallback === undefined ? 'without it there is no bound' : `the default is ${fallback}`;
    throw new Error(`${name} is "${text}"; set it to a number above zero (${hint}).`);
  }
  return value;
}

function checkRelations(timings: Timings, timeoutAndIntervalChosen: boolean): void {
  const relations: [broken: boolean, advice: string][] = [
    [
      timings.heartbeatMillis >= connectionIdleMillis,
      'Set PRESENCE_UPDATE_SECONDS below 600: API Gateway closes a connection that is silent for ten minutes.',
    ],
    [
      timings.graceMillis > timings.offlineAfterMillis,
      'Set RECONNECT_GRACE_SECONDS to at most PRESENCE_UPDATE_SECONDS + HEARTBEAT_TIMEOUT_SECONDS: a user without a sign of life is offline after that sum.',
    ],
    [
      timeoutAndIntervalChosen && timings.sessionTimeoutMillis <= timings.heartbeatMillis,
      'Set SESSION_TIMEOUT_HOURS longer than PRESENCE_UPDATE_SECONDS: otherwise a session expires between two heartbeats of present users.',
    ],
    [
      timings.sessionWarningMillis >= timings.sessionTimeoutMillis,
      'Set SESSION_WARNING_MINUTES shorter than SESSION_TIMEOUT_HOURS: the warning must come before the expiry.',
    ],
    [
      timings.maxParticipants > limits.maxParticipants || !Number.isInteger(timings.maxParticipants),
      `Set MAX_PARTICIPANTS to a whole number up to ${limits.maxParticipants}.`,
    ],
    [
      (timings.maxDollarsPerHour ?? leastDollarsPerHour) < leastDollarsPerHour,
      `MAX_DOLLARS_PER_HOUR is ${timings.maxDollarsPerHour}, which pays for ${messagesPerSecondWithin(timings.maxDollarsPerHour ?? 0)} messages a second; set it to at least ${leastDollarsPerHour}, or leave it out.`,
    ],
    [!Number.isInteger(timings.batchMaxMessages), 'Set BATCH_MAX_MESSAGES to a whole number.'],
    [timings.batchMillis > 1000, 'Set BATCH_MILLIS to at most 1000: no update may wait longer than one second.'],
  ];
  for (const [broken, advice] of relations) if (broken) throw new Error(advice);
}
