import { accountLogRoles, environments } from '../protocol/settings.ts';
import { type SettingName, settingNames } from '../protocol/timings.ts';
import type { HandlerName } from './handlers.ts';

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
  /** How long CloudWatch keeps the logs, in days. */
  logRetentionDays: number;
  /** The instance of PostgreSQL. */
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
  /** The limits of the ElastiCache Serverless cache. */
  cache: {
    /** Limits, so that a faulty client is refused and does not cause high costs. */
    maximumGb: number;
    maximumEcpuPerSecond: number;
  };
  /**
   * How many environments of each function may run at once. They are reserved, so a flood of one kind of message leaves
   * room for the others, handshakes among them. The sum also bounds the database connections, because each environment
   * holds at most two. Default: no limit but the account's, because a new account's limit is too low to reserve a part of
   * it.
   */
  concurrency?: Record<HandlerName, number>;
  /** Requests per second on the WebSocket stage. The limit of the account counts posts too. */
  webSocketThrottle: Throttle;
  /** Quotas of the account that AWS has raised. Default: 10,000 requests a second and 1,000 concurrent runs. */
  quotas?: { requestsPerSecond?: number; concurrentRuns?: number };
  /** Requests per second on the HTTP API. */
  httpThrottle: Throttle;
  /** Alarms cost $0.10 a month for each metric. */
  alarms: boolean;
  /** Whether Lambda also logs the start, the end and the duration of each run. Default: only of runs that failed. */
  platformLogs?: boolean;
  /** Whether X-Ray traces the functions, for $5 a million traces; Lambda takes one a second and five percent of the others. Default: no. */
  tracing?: boolean;
  /** Whether API Gateway writes metrics for each route, which cost $0.30 a month each. Default: no. */
  detailedMetrics?: boolean;
  /**
   * Whether a deployment moves each function to its new code by a tenth a minute, and back if an alarm of the function fires.
   * It needs `alarms`, and takes about eleven minutes longer. Default: the code is replaced at once.
   */
  gradualDeployment?: boolean;
}

/** A limit of API Gateway. */
export interface Throttle {
  /** Requests per second, on average. */
  rateLimit: number;
  /** Requests that may arrive at once. */
  burstLimit: number;
}

/** The sizes of both environments: a starting point for your own. */
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
    concurrency: {
      authorizer: 50,
      connect: 50,
      disconnect: 16,
      default: 20,
      heartbeat: 16,
      cursor: 48,
      presence: 16,
      session: 36,
      activity: 20,
      machine: 8,
      http: 12,
      server: 8,
      // Four sweeps at most share the work, and the next minute's start before this minute's end.
      'timeout-sweep': 8,
      'cleanup-sweep': 2,
      'webhook-sweep': 2,
      // Two sweeps serve eight endpoints each.
      'webhook-sender': 16,
      migrate: 1,
    },
    webSocketThrottle: { rateLimit: 4_000, burstLimit: 2_000 },
    httpThrottle: { rateLimit: 500, burstLimit: 250 },
    alarms: true,
    gradualDeployment: true,
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

const longestName = 30;

/**
 * Returns the name of a deployment, which begins the name of its stack; without a name, `rollcall`.
 *
 * @throws Error with a sentence for the user if it cannot be part of the names in the stack.
 */
export function readDeploymentName(name: string | undefined): string {
  if (name === undefined || name === '') return 'rollcall';
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= longestName) return name;
  throw new Error(
    `The name is "${name}"; begin it with a letter and use small letters, digits and single hyphens, at most ${longestName}.`,
  );
}

/**
 * Returns a value of the context that is `true` or `false`; without a value, false.
 *
 * @throws Error with a sentence for the user if it is neither.
 */
export function readFlag(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  const text = String(value);
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`${name} is "${text}"; set it to true or false.`);
}

/** A cost budget of AWS for the account. */
export interface BudgetProps {
  /** US dollars a month. */
  dollarsPerMonth: number;
  /** Who gets an e-mail: at 80 % spent, and when the whole budget is forecast to be spent. */
  email: string;
}

/**
 * Returns the budget that the context names with `budgetDollars` and `budgetEmail`; undefined if it names none.
 *
 * @throws Error with a sentence for the user if one of them is missing or cannot work.
 */
export function readBudget(dollars: unknown, email: unknown): BudgetProps | undefined {
  if (dollars === undefined && email === undefined) return undefined;
  const dollarsPerMonth = Number(dollars);
  if (!(dollarsPerMonth > 0 && Number.isFinite(dollarsPerMonth))) {
    throw new Error(`budgetDollars is "${String(dollars ?? '')}"; set it to the dollars a month, for example 500.`);
  }
  const address = String(email ?? '');
  if (!/^[^\s@]+@[^\s@]+$/.test(address)) {
    throw new Error(`budgetEmail is "${address}"; set it to the e-mail address that AWS tells.`);
  }
  return { dollarsPerMonth, email: address };
}

/**
 * The sizes with a choice of the context. `undefined` keeps the choice of the environment.
 *
 * @param gradual the value of `-c gradual=`.
 * @throws Error with a sentence for the user if it is neither true nor false.
 */
export function withGradualDeployment(own: Sizes, gradual: unknown): Sizes {
  return gradual === undefined ? own : { ...own, gradualDeployment: readFlag('gradual', gradual) };
}

/** Whether the stack sets the account's role for the logs of API Gateway. Default: yes. */
export function setsAccountLogRole(environment: Record<string, string | undefined>): boolean {
  return environment['ACCOUNT_LOG_ROLE']?.trim() !== accountLogRoles[1];
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
