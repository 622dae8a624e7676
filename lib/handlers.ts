import type { RouteGroup } from '../protocol/messages.ts';

/** The files of `lambdas/handlers/` that become functions. */
export type HandlerName =
  | RouteGroup
  | 'authorizer'
  | 'connect'
  | 'disconnect'
  | 'http'
  | 'timeout-sweep'
  | 'cleanup-sweep'
  | 'migrate';

export interface HandlerTraits {
  /** What the function is for, as the console shows it. */
  description: string;
  /** In the VPC, with the way to Redis or PostgreSQL; the others start quicker and need no NAT gateway. */
  inNetwork: boolean;
  /** Seconds after which the run is killed. API Gateway gives up after 29. */
  timeoutSeconds: number;
  /** Fixed memory in MB; absent: that of the environment's routes. */
  memoryMb?: number;
  /** Whether the function may hold database connections for long, so that its concurrency has a limit. */
  holdsDatabase?: boolean;
}

/** Leaves a caller time to hear the refusal before API Gateway gives up. */
const routeSeconds = 10;

export const handlers: Record<HandlerName, HandlerTraits> = {
  authorizer: {
    description: 'Checks the token or invite of a new connection',
    inNetwork: false,
    timeoutSeconds: 5,
  },
  connect: {
    description: 'Registers a new connection',
    inNetwork: false,
    timeoutSeconds: routeSeconds,
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
  heartbeat: { description: 'Takes signs of life', inNetwork: true, timeoutSeconds: routeSeconds },
  cursor: { description: 'Shares cursors', inNetwork: true, timeoutSeconds: routeSeconds },
  presence: {
    description: 'Changes and lists who is present',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
  },
  session: {
    description: 'Sessions, participants, roles and invites',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
    holdsDatabase: true,
  },
  activity: {
    description: 'Writes and reads the audit trail',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
    holdsDatabase: true,
  },
  machine: {
    description: 'Registers machines and their signs of life',
    inNetwork: true,
    timeoutSeconds: routeSeconds,
    holdsDatabase: true,
  },
  http: {
    description: 'The HTTP API: health, sessions, audit trail, statistics',
    inNetwork: true,
    timeoutSeconds: 20,
    holdsDatabase: true,
  },
  'timeout-sweep': {
    description: 'Announces who timed out, once a second within its minute',
    inNetwork: true,
    // Beyond the minute, so that the next one is there when it ends.
    timeoutSeconds: 65,
  },
  'cleanup-sweep': {
    description: 'Expires, warns, purges and seals',
    inNetwork: true,
    timeoutSeconds: 15 * 60,
    memoryMb: 512,
  },
  migrate: {
    description: 'Brings the database to the current schema',
    inNetwork: true,
    timeoutSeconds: 15 * 60,
    memoryMb: 512,
  },
};

export const handlerNames = Object.keys(handlers) as HandlerName[];
