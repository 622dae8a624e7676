import { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { metricNamespace } from '../protocol/metrics.ts';
import { readTimings, type SettingName } from '../protocol/timings.ts';
import { CheckpointKey } from './checkpoint-key.ts';
import { ActivityOutbox, ConnectionTable } from './connection-table.ts';
import { CostBudget } from './cost-budget.ts';
import { Domain, type DomainProps } from './domain.ts';
import {
  ExistingCache,
  type ExistingCacheProps,
  ExistingDatabase,
  type ExistingDatabaseProps,
} from './existing-stores.ts';
import { GradualDeployment } from './gradual-deployment.ts';
import { type HandlerName, handlerNames } from './handlers.ts';
import { HttpApi } from './http-api.ts';
import { type Identity, IdentityProvider } from './identity-provider.ts';
import { InviteSecret } from './invite-secret.ts';
import { RollcallFunction } from './lambda-function.ts';
import { Migration } from './migration.ts';
import { Network } from './network.ts';
import { Observability } from './observability.ts';
import { PresenceCache } from './presence-cache.ts';
import { refuseImpossible } from './refuse-impossible.ts';
import { SessionDatabase } from './session-database.ts';
import { sizes as allSizes, type BudgetProps, type Sizes } from './settings.ts';
import type { Cache, Database } from './stores.ts';
import { Sweeps } from './sweeps.ts';
import { throttlesWithin } from './throttles.ts';
import { UserPool, type UserPoolProps } from './user-pool.ts';
import { Webhooks } from './webhooks.ts';
import { type Functions, WebSocketApi } from './websocket-api.ts';

/** What a Rollcall takes. */
export interface RollcallProps {
  /**
   * Who signs the tokens: an OpenID Connect provider, or `{ cognito: {} }` for a user pool of its own. The stack gets a parameter
   * for each part of a provider that is not given.
   */
  identity: Identity | { cognito: UserPoolProps };
  /** The folder with the `index.mjs` of a handler, built by `bundle.ts`. */
  bundleOf: (handler: HandlerName) => string;
  /**
   * A VPC that exists. It needs private subnets with a way to the internet in two zones. Redis and PostgreSQL are placed
   * into its isolated subnets, or into those of the functions if it has none. Default: a new VPC.
   */
  vpc?: ec2.IVpc;
  /** A PostgreSQL database in `vpc`. Default: an instance of its own. */
  database?: ExistingDatabaseProps;
  /** A Redis or Valkey server in `vpc`. Default: an ElastiCache Serverless cache of its own. */
  cache?: ExistingCacheProps;
  /** Host names of your own for the APIs. Default: the addresses that AWS gives them. */
  domain?: DomainProps;
  /** The topic of the alarms; its policy must let CloudWatch publish. Default: a topic of its own. */
  alarmTopic?: sns.ITopic;
  /** Sizes, retention and safety. Default: those of dev. */
  sizes?: Sizes;
  /** Settings of the functions, by the names in `protocol/timings.ts`, and `LOG_LEVEL`. */
  settings?: Partial<Record<SettingName | 'LOG_LEVEL', string>>;
  /** Whether the account's role for the logs of API Gateway is set. Default: true. */
  accountLogRole?: boolean;
  /** A cost budget for the account. Default: none. */
  budget?: BudgetProps;
}

/**
 * The whole product on AWS: stores, functions, APIs and schedules, and the permissions of each function. A stack has at
 * most one.
 *
 * @throws Error with a sentence for the user if a setting is invalid or the stack has another one.
 */
export class Rollcall extends Construct {
  /** Redis. */
  readonly cache: Cache;
  /** PostgreSQL. */
  readonly database: Database;
  /** The DynamoDB table of the open connections and what they joined. */
  readonly connections: ConnectionTable;
  /** The DynamoDB table of activity that waits for PostgreSQL. */
  readonly outbox: ActivityOutbox;
  /** The user pool, if `identity` asked for one. */
  readonly userPool: UserPool | undefined;
  /** The host names of the APIs, if `domain` named them. */
  readonly domain: Domain | undefined;
  /** The functions, by the names of their handlers. */
  readonly functions: Functions;
  /** The WebSocket API; `url` is what clients connect to. */
  readonly webSocketApi: WebSocketApi;
  /** The HTTP API; `url` is its address. */
  readonly httpApi: HttpApi;
  /** The dashboard, the alarms and their topic. */
  readonly observability: Observability;
  /** The key that signs the checkpoints of the audit trail. */
  readonly checkpointKey: CheckpointKey;
  private readonly invites: InviteSecret;
  private readonly identity: IdentityProvider;
  private readonly sweeps: Sweeps;
  private readonly webhooks: Webhooks;

  constructor(scope: Construct, id: string, props: RollcallProps) {
    super(scope, id);
    refuseSecond(this);
    const { sizes = allSizes.dev, settings = {}, bundleOf, accountLogRole = true } = props;
    const timings = readTimings(settings);
    refuseImpossible(sizes, timings, props.database === undefined);
    const network = new Network(this, 'Network', sizes, props.vpc);
    refuseUnreachable(props);
    this.cache = props.cache
      ? new ExistingCache(props.cache)
      : new PresenceCache(this, 'PresenceCache', network, sizes);
    this.database = props.database
      ? new ExistingDatabase(props.database)
      : new SessionDatabase(this, 'SessionDatabase', network, sizes);
    this.connections = new ConnectionTable(this, 'ConnectionTable');
    this.outbox = new ActivityOutbox(this, 'ActivityOutbox', sizes.database.protected);
    this.invites = new InviteSecret(this, 'InviteSecret', sizes.database.protected);
    this.checkpointKey = new CheckpointKey(this, 'CheckpointKey', sizes.database.protected);
    this.userPool = userPoolOf(this, props.identity, sizes);
    this.identity = new IdentityProvider(
      this,
      'IdentityProvider',
      this.userPool?.identity ?? (props.identity as Identity),
    );
    this.domain = props.domain && new Domain(this, 'Domain', props.domain);
    this.functions = createFunctions(this, { sizes, network, environment: settings, bundleOf });
    this.webSocketApi = new WebSocketApi(this, 'WebSocketApi', {
      sizes,
      throttles: throttlesWithin(sizes.webSocketThrottle, timings.maxDollarsPerHour),
      accountLogRole,
      domainName: this.domain?.webSocket,
    });
    this.sweeps = new Sweeps(this, 'Sweeps', {
      timeoutSweep: this.functions['timeout-sweep'],
      cleanupSweep: this.functions['cleanup-sweep'],
      cleanupIntervalMillis: timings.cleanupIntervalMillis,
    });
    this.webhooks = new Webhooks(this, 'Webhooks', {
      sweep: this.functions['webhook-sweep'],
      sender: this.functions['webhook-sender'],
      retained: sizes.database.protected,
    });
    this.grantConnecting();
    this.grantPresence();
    this.grantSessions();
    this.grantSweeps();
    this.webSocketApi.addRoutes(this.functions);
    this.httpApi = new HttpApi(this, 'HttpApi', this.functions, {
      ...{ sizes, identity: this.identity, domainName: this.domain?.http },
      allowedOrigins: timings.allowedOrigins,
    });
    this.nameMetrics();
    this.addMigration(network, sizes);
    const { functions, webSocketApi, httpApi, database, cache } = this;
    const watched = { sizes, functions, webSocketApi, httpApi, database, cache };
    if (props.budget) new CostBudget(this, 'CostBudget', props.budget);
    this.observability = new Observability(this, 'Observability', { ...watched, alarmTopic: props.alarmTopic });
    if (sizes.gradualDeployment) {
      const { functionAlarms } = this.observability;
      new GradualDeployment(this, 'GradualDeployment', Object.values(functions), functionAlarms);
    }
  }

  /**
   * Permits finding the connections of a session (`bySession` of the connection table) and posting to them. Set the variables
   * with `webSocketApi.managementEndpoint` and `connections.table.tableName` yourself.
   */
  grantPublish(grantee: iam.IGrantable): void {
    const { tableArn } = this.connections.table;
    const actions = (names: string[], resource: string) =>
      iam.Grant.addToPrincipal({ grantee, actions: names, resourceArns: [resource] });
    actions(['dynamodb:Query'], `${tableArn}/index/bySession`);
    actions(['execute-api:ManageConnections'], this.webSocketApi.postArn);
  }

  private grantConnecting(): void {
    const { authorizer, connect, disconnect, default: fallback } = this.functions;
    this.identity.grantAccess(authorizer);
    this.invites.grantAccess(authorizer);
    // The authorizer writes refused invites to the audit trail.
    this.outbox.grantAccess(authorizer, 'writeMany');
    this.connections.grantAccess(connect, 'put', 'update', 'get', 'delete');
    this.connections.grantAccess(fallback, 'query', 'update');
    this.connections.grantAccess(disconnect, 'query', 'update', 'delete', 'writeMany');
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
    const { session, activity, machine, http, server } = this.functions;
    for (const fn of [session, activity, machine, http, server]) this.database.grantAccess(fn);
    for (const fn of [session, activity, machine, http, server]) this.cache.grantAccess(fn);
    this.connections.grantAccess(session, 'get', 'query', 'update', 'delete', 'writeMany');
    this.connections.grantAccess(activity, 'query', 'update', 'delete', 'writeMany');
    this.connections.grantAccess(server, 'get', 'query', 'update', 'delete', 'writeMany');
    this.connections.grantAccess(machine, 'query');
    this.connections.grantAccess(http, 'get');
    this.identity.grantClaims(http);
    for (const fn of [session, activity, server]) this.outbox.grantAccess(fn, 'get', 'writeMany');
    for (const fn of [session, activity, machine, server]) this.webSocketApi.grantAccess(fn);
    this.invites.grantAccess(session);
    for (const fn of [session, activity, server]) this.sweeps.grantAccess(fn);
  }

  private grantSweeps(): void {
    for (const fn of [this.functions['timeout-sweep'], this.functions['cleanup-sweep']]) {
      this.cache.grantAccess(fn);
      this.database.grantAccess(fn);
      this.connections.grantAccess(fn, 'query', 'update', 'delete', 'writeMany');
      this.outbox.grantAccess(fn, 'get', 'query', 'writeMany');
      this.webSocketApi.grantAccess(fn);
    }
    this.sweeps.grantAccess(this.functions['cleanup-sweep']);
    this.checkpointKey.grantAccess(this.functions['cleanup-sweep']);
    for (const name of ['timeout-sweep', 'cleanup-sweep'] as const) this.webhooks.grantStart(this.functions[name]);
    this.database.grantAccess(this.functions['webhook-sweep']);
    this.webhooks.grantManagement(this.functions.http);
  }

  /** The metrics of each stack have a namespace of their own. The migration writes none. */
  private nameMetrics(): void {
    const namespace = metricNamespace(Stack.of(this).stackName);
    const { migrate, 'webhook-sender': sender, ...others } = this.functions;
    for (const fn of Object.values(others)) fn.setVariable(environmentNames.metricsNamespace, namespace);
  }

  private addMigration(network: Network, { logRetentionDays }: Sizes): void {
    const { migrate } = this.functions;
    this.database.grantOwnership(migrate);
    const before = Object.values(this.functions).filter((fn) => fn !== migrate);
    const migration = new Migration(this, 'Migration', {
      migrate,
      after: [network, ...this.database.readyAfter],
      before,
      logRetentionDays,
    });
    for (const each of this.database.afterMigrations) each.node.addDependency(migration);
  }
}

function createFunctions(
  scope: Construct,
  props: Omit<ConstructorParameters<typeof RollcallFunction>[2], 'handler'>,
): Functions {
  const idOf = (name: string) => name.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    handlerNames.map((handler) => [
      handler,
      new RollcallFunction(scope, `${idOf(handler)}Function`, { handler, ...props }),
    ]),
  ) as unknown as Functions;
}

/** The user pool that the identity asks for, if it does. */
function userPoolOf(scope: Construct, identity: RollcallProps['identity'], { database }: Sizes): UserPool | undefined {
  return 'cognito' in identity ? new UserPool(scope, 'UserPool', identity.cognito, database.protected) : undefined;
}

/** Names of the rotation's function and the migrations' provider belong to the stack, so a second one would collide. */
function refuseSecond(own: Rollcall): void {
  const { node, stackName } = Stack.of(own);
  if (node.findAll().some((each) => each instanceof Rollcall && each !== own)) {
    throw new Error(`The stack ${stackName} has a Rollcall already; put the second one into a stack of its own.`);
  }
}

/** A database or cache that exists is reached only from its own VPC. */
function refuseUnreachable({ vpc, database, cache }: RollcallProps): void {
  if (vpc === undefined && (database ?? cache) !== undefined) {
    throw new Error(
      'A database or cache that exists is not reachable from a new VPC; set vpc to the VPC that it is in.',
    );
  }
}
