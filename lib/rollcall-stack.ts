import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { readTimings } from '../protocol/timings.ts';
import { ActivityOutbox, ConnectionTable } from './connection-table.ts';
import { type HandlerName, handlerNames } from './handlers.ts';
import { HttpApi } from './http-api.ts';
import { IdentityProvider } from './identity-provider.ts';
import { InviteSecret } from './invite-secret.ts';
import { RollcallFunction } from './lambda-function.ts';
import { Migration } from './migration.ts';
import { Network } from './network.ts';
import { Observability } from './observability.ts';
import { PresenceCache } from './presence-cache.ts';
import { SessionDatabase } from './session-database.ts';
import { type Sizes, setsAccountLogRole } from './settings.ts';
import { Sweeps } from './sweeps.ts';
import { type Functions, WebSocketApi } from './websocket-api.ts';

export interface RollcallStackProps extends StackProps {
  sizes: Sizes;
  /**
   * The environment of the synthesis with the user's settings; see `protocol/timings.ts` and the parameters of the
   * stack.
   */
  environment: Record<string, string | undefined>;
  /** The folder with the `index.mjs` of a handler, built by `bundle.ts`. */
  bundleOf: (handler: HandlerName) => string;
}

/**
 * The whole product on AWS: stores, functions, APIs and schedules, and the permissions of each function.
 *
 * @throws Error with a sentence for the user if a setting is invalid.
 */
export class RollcallStack extends Stack {
  private readonly cache: PresenceCache;
  private readonly database: SessionDatabase;
  private readonly connections: ConnectionTable;
  private readonly outbox: ActivityOutbox;
  private readonly invites: InviteSecret;
  private readonly identity: IdentityProvider;
  private readonly functions: Functions;
  private readonly webSocketApi: WebSocketApi;
  private readonly sweeps: Sweeps;

  constructor(scope: Construct, id: string, props: RollcallStackProps) {
    super(scope, id, props);
    const { sizes, environment, bundleOf } = props;
    const timings = readTimings(environment);
    const network = new Network(this, 'Network', sizes);
    this.cache = new PresenceCache(this, 'PresenceCache', network, sizes);
    this.database = new SessionDatabase(this, 'SessionDatabase', network, sizes);
    this.connections = new ConnectionTable(this, 'ConnectionTable');
    this.outbox = new ActivityOutbox(this, 'ActivityOutbox', sizes.database.protected);
    this.invites = new InviteSecret(this, 'InviteSecret');
    this.identity = new IdentityProvider(this, 'IdentityProvider', environment);
    this.functions = createFunctions(this, { sizes, network, environment, bundleOf });
    this.webSocketApi = new WebSocketApi(this, 'WebSocketApi', sizes, setsAccountLogRole(environment));
    this.sweeps = new Sweeps(this, 'Sweeps', {
      timeoutSweep: this.functions['timeout-sweep'],
      cleanupSweep: this.functions['cleanup-sweep'],
      cleanupIntervalMillis: timings.cleanupIntervalMillis,
    });
    this.grantConnecting();
    this.grantPresence();
    this.grantSessions();
    this.grantSweeps();
    this.webSocketApi.addRoutes(this.functions);
    const httpApi = new HttpApi(this, 'HttpApi', this.functions.http, this.identity, sizes);
    this.addMigration(network, sizes);
    const { functions, webSocketApi, database, cache } = this;
    new Observability(this, 'Observability', { sizes, functions, webSocketApi, httpApi, database, cache });
    new CfnOutput(this, 'WebSocketUrl', {
      value: webSocketApi.url,
      description: 'The address that clients connect to',
    });
    new CfnOutput(this, 'HttpUrl', { value: httpApi.url, description: 'The HTTP API' });
  }

  private grantConnecting(): void {
    const { authorizer, connect, disconnect, default: fallback } = this.functions;
    this.identity.grantAccess(authorizer);
    this.invites.grantAccess(authorizer);
    // The authorizer writes refused invites to the audit trail.
    this.outbox.grantAccess(authorizer, 'writeMany');
    this.connections.grantAccess(connect, 'put');
    this.connections.grantAccess(fallback, 'query', 'update');
    this.connections.grantAccess(disconnect, 'query', 'writeMany');
    for (const fn of [disconnect, fallback]) this.cache.grantAccess(fn);
    // If Redis lost the session, the disconnect handler rebuilds it and reads the slots from PostgreSQL.
    this.database.grantAccess(disconnect);
    this.sweeps.grantAccess(disconnect);
  }

  /**
   * Access for frames, and for a user who returns after a time-out: their slot, its audit entry and the start of a
   * sweep.
   */
  private grantPresence(): void {
    const { heartbeat, cursor, presence } = this.functions;
    for (const fn of [heartbeat, cursor, presence]) {
      this.cache.grantAccess(fn);
      this.connections.grantAccess(fn, 'get', 'query', 'update', 'delete', 'writeMany');
      this.webSocketApi.grantAccess(fn);
      this.database.grantAccess(fn);
      // A second attempt to write an entry looks for the first one.
      this.outbox.grantAccess(fn, 'get', 'writeMany');
      // When a guest returns, their invite is checked again.
      this.invites.grantAccess(fn);
      this.sweeps.grantAccess(fn);
    }
  }

  private grantSessions(): void {
    const { session, activity, machine, http } = this.functions;
    for (const fn of [session, activity, machine, http]) this.database.grantAccess(fn);
    for (const fn of [session, activity, machine, http]) this.cache.grantAccess(fn);
    this.connections.grantAccess(session, 'get', 'query', 'update', 'delete', 'writeMany');
    this.connections.grantAccess(activity, 'query', 'writeMany');
    this.connections.grantAccess(machine, 'query');
    this.connections.grantAccess(http, 'get');
    for (const fn of [session, activity]) this.outbox.grantAccess(fn, 'get', 'writeMany');
    this.webSocketApi.grantAccess(session);
    for (const fn of [activity, machine]) this.webSocketApi.grantAccess(fn);
    this.invites.grantAccess(session);
    for (const fn of [session, activity]) this.sweeps.grantAccess(fn);
  }

  private grantSweeps(): void {
    for (const fn of [this.functions['timeout-sweep'], this.functions['cleanup-sweep']]) {
      this.cache.grantAccess(fn);
      this.database.grantAccess(fn);
      this.connections.grantAccess(fn, 'query', 'writeMany');
      this.outbox.grantAccess(fn, 'get', 'query', 'writeMany');
      this.webSocketApi.grantAccess(fn);
    }
    this.sweeps.grantAccess(this.functions['cleanup-sweep']);
  }

  private addMigration(network: Network, { logRetentionDays }: Sizes): void {
    const { migrate } = this.functions;
    this.database.grantAccess(migrate);
    const before = Object.values(this.functions).filter((fn) => fn !== migrate);
    new Migration(this, 'Migration', { migrate, after: [network, this.database], before, logRetentionDays });
  }
}

function createFunctions(
  stack: RollcallStack,
  props: Omit<ConstructorParameters<typeof RollcallFunction>[2], 'handler'>,
): Functions {
  const idOf = (name: string) => name.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    handlerNames.map((handler) => [
      handler,
      new RollcallFunction(stack, `${idOf(handler)}Function`, { handler, ...props }),
    ]),
  ) as unknown as Functions;
}
