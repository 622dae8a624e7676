import type { RouteGroup } from '../protocol/route-group.ts';

/** The files of `lambdas/handlers/` that are deployed as functions. */
export type HandlerName =
  | RouteGroup
  | 'authorizer'
  | 'connect'
  | 'disconnect'
  | 'http'
  | 'server'
  | 'timeout-sweep'
  | 'cleanup-sweep'
  | 'webhook-sweep'
  | 'webhook-sender'
  | 'migrate';

export interface HandlerTraits {
  /** Description of the function in the AWS console. */
  description: string;
  /**
   * Whether it runs in the VPC, where it can reach Redis and PostgreSQL. The others start faster and need no NAT
   * gateway.
   */
  inNetwork: boolean;
  /** Seconds after which Lambda ends the run. API Gateway stops waiting after 29. */
  timeoutSeconds: number;
  /** Memory in MB. Default: `routeMemoryMb` of the environment. */
  memoryMb?: number;
  /** Whether only a deployment invokes it, always in its new version. */
  runsAtDeployment?: boolean;
  /**
   * Whether its start must be quick: a handshake or the most frequent frames wait for it. Then its bundle has several files,
   * and a start loads only those that every event needs.
   */
  startsQuickly?: boolean;
}

/** Shorter than the 29 s of API Gateway, so that the caller still receives the error. */
const routeSeconds = 10;

export const handlers: Record<HandlerName, HandlerTraits> = {
  authorizer: {
    description: 'Checks the token or invite of a new connection',
    inNetwork: false,
    timeoutSeconds: 5,
    startsQuickly: true,
  },
  connect: {
    description: 'Registers a new connection',
    inNetwork: false,
    timeoutSeconds: routeSeconds,
    startsQuickly: true,
  },
  disconnect: {
    description: 'Ends what a closed connection had joined',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
  },
  default: {
    description: 'Answers hello, ping and unknown messages',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
    memoryMb: 256,
  },
  heartbeat: {
    description: 'Receives heartbeats',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
    startsQuickly: true,
  },
  cursor: { description: 'Shares cursors', inNetwork: true, timeoutSeconds: routeSeconds, startsQuickly: true },
  presence: {
    description: 'Changes and lists who is present',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
  },
  session: {
    description: 'Sessions, participants, roles and invites',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
  },
  activity: {
    description: 'Writes and reads the audit trail',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
  },
  machine: {
    description: 'Registers machines and their signs of life',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
  },
  http: {
    description: 'The HTTP API: health, sessions, audit trail, statistics',
    inNetwork: true,
    timeoutSeconds: 20,
  },
  server: {
    description: 'The server API: what programs of the application do with a key',
    inNetwork: true,
    timeoutSeconds: 20,
  },
  'timeout-sweep': {
    description: 'Ends and announces the stays of users who timed out, once a second',
    inNetwork: true,
    // Longer than a minute, so that the next sweep has started when this one ends.
    timeoutSeconds: 65,
  },
  'cleanup-sweep': {
    description: 'Warns of expiry, expires and purges sessions, and seals the audit trail',
    inNetwork: true,
    timeoutSeconds: 15 * 60,
    memoryMb: 512,
  },
  'webhook-sweep': {
    description: 'Signs the webhooks that are due and notes how their receivers answered',
    inNetwork: true,
    timeoutSeconds: 5 * 60,
    memoryMb: 256,
  },
  'webhook-sender': {
    description: 'Posts signed webhooks to their receivers',
    // Without a network of its own it reaches no store, wherever a receiver directs it.
    inNetwork: false,
    // The last attempt begins after 15 seconds and takes at most ten.
    timeoutSeconds: 30,
    memoryMb: 256,
  },
  migrate: {
    description: 'Migrates the database to the current schema',
    inNetwork: true,
    timeoutSeconds: 15 * 60,
    memoryMb: 512,
    runsAtDeployment: true,
  },
};

export const handlerNames = Object.keys(handlers) as HandlerName[];
