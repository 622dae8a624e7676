import { environments } from '../protocol/settings.ts';
import { type SettingName, settingNames } from '../protocol/timings.ts';

/** `dev` is small and disposable. `prod` survives the loss of a zone and protects its data from deletion. */
export type EnvironmentName = (typeof environments)[number];

/** What differs between the environments: sizes, retention and safety. */
export interface Sizes {
  /**
   * One NAT gateway serves both zones. With two, the functions keep internet access if a zone fails. Each costs about
   * $32 a month.
   */
  natGateways: number;
  /** Memory in MB of the functions that handle frames. Lambda gives more CPU with more memory. */
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
    /** Deletion protection. If the stack is deleted, a snapshot is kept. */
    protected: boolean;
    /** Whether the master password is rotated every 30 days. */
    rotatePassword: boolean;
  };
  cache: {
    /** Limits, so that a faulty client is refused and does not cause high costs. */
    maximumGb: number;
    maximumEcpuPerSecond: number;
  };
  /**
   * How many environments of one function may run at once; each holds at most two database connections. Default: the
   * limit of the account, because a new account's limit is too low to reserve a part of it.
   */
  databaseConcurrency?: number;
  /** Requests per second on the WebSocket stage. The limit of the account counts posts too. */
  webSocketThrottle: Throttle;
  httpThrottle: Throttle;
  /** Alarms cost $0.10 a month for each metric. */
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
 * Returns the environment with this name; without a name, `dev`.
 *
 * @throws Error with a sentence for the user if there is no such environment.
 */
export function readEnvironmentName(name: string | undefined): EnvironmentName {
  if (name === undefined || name === '') return 'dev';
  const found = environments.find((known) => known === name);
  if (found === undefined) {
    throw new Error(`ROLLCALL_ENVIRONMENT is "${name}"; set it to ${environments.join(' or ')}.`);
  }
  return found;
}

/**
 * The settings that the user set. Defaults are not passed to the functions, because `readTimings` adapts a default to a
 * setting that the user chose.
 */
export function chosenSettings(environment: Record<string, string | undefined>): Partial<Record<SettingName, string>> {
  const chosen: Partial<Record<SettingName, string>> = {};
  for (const name of settingNames) {
    const value = environment[name]?.trim();
    if (value) chosen[name] = value;
  }
  return chosen;
}
