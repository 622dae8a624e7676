import { environments } from '../protocol/settings.ts';
import { type SettingName, settingNames } from '../protocol/timings.ts';

/** `dev` is small and can be thrown away; `prod` survives the loss of a zone and refuses to lose data. */
export type EnvironmentName = (typeof environments)[number];

/** What differs between the environments: sizes, retention and safety. */
export interface Sizes {
  /** One NAT gateway serves both zones; two keep the way out open when a zone is lost (about $32 a month each). */
  natGateways: number;
  /** Memory of the functions on the way of a frame, in MB; CPU grows with it. */
  routeMemoryMb: number;
  logRetentionDays: number;
  database: {
    /** Burstable Graviton class, `t4g.<size>`. */
    size: 'micro' | 'small' | 'medium';
    storageGb: number;
    maximumStorageGb: number;
    backupDays: number;
    /** A standby in the second zone. */
    multiAz: boolean;
    /** Refuses deletion, and keeps a snapshot when the stack goes. */
    protected: boolean;
    /** The master password is replaced every 30 days. */
    rotatePassword: boolean;
  };
  cache: {
    /** Upper bounds, so that a runaway client costs a refusal and not a bill. */
    maximumGb: number;
    maximumEcpuPerSecond: number;
  };
  /**
   * Environments of one function that may run at once and hold database connections (at most two each). Absent: the
   * account's limit; new accounts have so small a limit that nothing can be reserved from it.
   */
  databaseConcurrency?: number;
  /** Requests a second on the WebSocket stage; the account's limit counts callbacks too. */
  webSocketThrottle: Throttle;
  httpThrottle: Throttle;
  /** Alarms cost $0.10 a month for each metric they look at. */
  alarms: boolean;
}

export interface Throttle {
  rateLimit: number;
  burstLimit: number;
}

export const sizes: Record<EnvironmentName, Sizes> = {
  dev: {
    natGateways: 1,
    routeMemoryMb: 512,
    logRetentionDays: 7,
    database: {
      size: 'micro',
      storageGb: 20,
      maximumStorageGb: 50,
      backupDays: 1,
      multiAz: false,
      protected: false,
      rotatePassword: false,
    },
    cache: { maximumGb: 1, maximumEcpuPerSecond: 5_000 },
    webSocketThrottle: { rateLimit: 1_000, burstLimit: 500 },
    httpThrottle: { rateLimit: 100, burstLimit: 50 },
    alarms: false,
  },
  prod: {
    natGateways: 2,
    routeMemoryMb: 1_024,
    logRetentionDays: 90,
    database: {
      size: 'medium',
      storageGb: 50,
      maximumStorageGb: 500,
      backupDays: 14,
      multiAz: true,
      protected: true,
      rotatePassword: true,
    },
    cache: { maximumGb: 10, maximumEcpuPerSecond: 100_000 },
    databaseConcurrency: 40,
    webSocketThrottle: { rateLimit: 4_000, burstLimit: 2_000 },
    httpThrottle: { rateLimit: 500, burstLimit: 250 },
    alarms: true,
  },
};

/**
 * The environment a name stands for; absent means `dev`.
 *
 * @throws Error with the sentence for the user when there is no such environment.
 */
export function readEnvironmentName(name: string | undefined): EnvironmentName {
  if (name === undefined || name === '') return 'dev';
  const found = environments.find((known) => known === name);
  if (found === undefined) {
    throw new Error(`ROLLCALL_ENVIRONMENT is "${name}"; set it to ${environments.join(' or ')}.`);
  }
  return found;
}

/** Settings a user chose. Only these go into the functions: a default that nobody wrote gives way to a chosen one. */
export function chosenSettings(environment: Record<string, string | undefined>): Partial<Record<SettingName, string>> {
  const chosen: Partial<Record<SettingName, string>> = {};
  for (const name of settingNames) {
    const value = environment[name]?.trim();
    if (value) chosen[name] = value;
  }
  return chosen;
}
