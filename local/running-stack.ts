import { join } from 'node:path';
import type { BackingAddresses } from './backing/services.ts';
import type { Faults } from './faults.ts';
import { ManagementApi } from './gateway/management-api.ts';
import { WebSocketGateway } from './gateway/websocket-gateway.ts';
import { DeveloperPaths } from './http/developer-paths.ts';
import { HttpGateway } from './http/http-gateway.ts';
import type { IdentityProvider } from './identity/identity-provider.ts';
import { functionVariables } from './lambda/function-variables.ts';
import { LambdaRuntime } from './lambda/lambda-runtime.ts';
import type { Output } from './output.ts';
import type { Pages } from './pages/pages.ts';
import type { PublicServer, Responder } from './public-server.ts';
import { type ScheduleRun, Schedules } from './schedules/schedules.ts';
import { AccessControl } from './services/caller.ts';
import { attachDatabase } from './services/database-secrets.ts';
import { DynamoDbProxy } from './services/dynamodb-proxy.ts';
import { loadKeys } from './services/keys.ts';
import { KmsApi } from './services/kms-api.ts';
import { LambdaApi } from './services/lambda-api.ts';
import { loadSecrets } from './services/secrets.ts';
import { SecretsApi, type SecretValues } from './services/secrets-api.ts';
import { type ServiceHandler, type ServiceServer, startServiceServer } from './services/service-server.ts';
import { createTables } from './services/tables.ts';
import type { FunctionDefinition } from './template/functions.ts';
import { localUrls } from './template/local-urls.ts';
import type { StackDefinition } from './template/stack-definition.ts';

export interface RunOptions {
  definition: StackDefinition;
  services: BackingAddresses;
  publicServer: PublicServer;
  identity: IdentityProvider;
  trusted: boolean;
  pages: Pages;
  faults: Faults;
  output: Output;
  environment: Record<string, string | undefined>;
  dataDirectory: string;
  idleMillis: number;
  lifetimeMillis: number;
  schedulesFire: boolean;
}

/** A running stack: functions, gateways and schedules. */
export interface RunningStack {
  /** `/live` */
  webSocketPath: string;
  fireSchedule(name: string): Promise<ScheduleRun[]>;
  secrets: SecretValues;
  endEnvironments(share: number): Promise<number>;
  close(): Promise<void>;
}

/** The longest wait for the `$disconnect` events when the stack stops. */
const disconnectTimeoutMillis = 3000;

/** Creates tables and secrets, runs the migrations and opens the port. @throws Error with one sentence. */
export async function runStack(options: RunOptions): Promise<RunningStack> {
  const { definition, services, output, publicServer } = options;
  const cloud = await startCloud(options);
  try {
    await createTables(definition.resolver, services.dynamodbEndpoint);
    await runTriggers(definition, cloud.runtime, output);
  } catch (error) {
    await cloud.close();
    throw error;
  }
  const schedules = new Schedules(definition.schedules, cloud.runtime);
  const gateway = startGateway(options, cloud, schedules);
  if (options.schedulesFire) schedules.start(Date.now());
  return {
    webSocketPath: gateway.path,
    secrets: cloud.secrets,
    endEnvironments: (share) => cloud.runtime.endEnvironments(share),
    async fireSchedule(name) {
      const schedule = schedules.find(name);
      if (!schedule) throw new Error(`There is no schedule "${name}"; use ${schedules.names.join(', ')}.`);
      return schedules.fire(schedule);
    },
    async close() {
      schedules.stop();
      await gateway.close(disconnectTimeoutMillis);
      publicServer.stopAccepting();
      await cloud.close();
    },
  };
}

interface Cloud {
  runtime: LambdaRuntime;
  secrets: SecretValues;
  access: AccessControl;
  close(): Promise<void>;
}

/** Starts the emulated services and the runtime whose functions call them. */
async function startCloud(options: RunOptions): Promise<Cloud> {
  const { definition, services, output, faults, publicServer } = options;
  const byName = new Map(definition.functions.map((fn) => [fn.name, fn]));
  const access = new AccessControl(
    (name) => byName.get(name),
    (sentence) => output.log('ERROR', 'permissions', sentence),
  );
  const current = await loadSecrets(definition.resolver, join(options.dataDirectory, 'secrets.json'));
  attachDatabase(definition.resolver, current, services.databaseUrl);
  const secrets = { current, pending: new Map<string, string>() };
  const keys = await loadKeys(definition.resolver, join(options.dataDirectory, 'keys.json'));
  const dynamodb = new DynamoDbProxy(services.dynamodbEndpoint, access);
  let runtime: LambdaRuntime | undefined;
  // The runtime needs the address of the Lambda service, and the service needs the runtime. So the service looks it up
  // at each call.
  const lambda: ServiceHandler = {
    handle: (request, response) => new LambdaApi(runtime!, access).handle(request, response),
  };
  const secretsManager = new SecretsApi(secrets, access);
  const servers = await startServers({ dynamodb, secretsManager, kms: new KmsApi(keys, access), lambda });
  const localUrl = localUrls(definition, publicServer.port);
  const variablesOf = (fn: FunctionDefinition) =>
    functionVariables(fn, {
      backing: services,
      endpoints: {
        dynamodb: servers.dynamodb.endpoint,
        secretsManager: servers.secretsManager.endpoint,
        kms: servers.kms.endpoint,
        lambda: servers.lambda.endpoint,
      },
      // A developer's receiver is on this machine and has no certificate.
      overrides: { WEBHOOK_TARGETS: 'any', ...options.environment },
      localUrl,
    });
  const started = new LambdaRuntime({ functions: definition.functions, variablesOf, faults, output });
  runtime = started;
  return {
    runtime: started,
    secrets,
    access,
    async close() {
      await started.stop();
      dynamodb.close();
      await Promise.all(Object.values(servers).map((server) => server.close()));
    },
  };
}

type Services = 'dynamodb' | 'secretsManager' | 'kms' | 'lambda';

async function startServers(handlers: Record<Services, ServiceHandler>): Promise<Record<Services, ServiceServer>> {
  const [dynamodb, secretsManager, kms, lambda] = await Promise.all([
    startServiceServer(handlers.dynamodb),
    startServiceServer(handlers.secretsManager),
    startServiceServer(handlers.kms),
    startServiceServer(handlers.lambda),
  ]);
  return { dynamodb, secretsManager, kms, lambda };
}

async function runTriggers({ triggers }: StackDefinition, runtime: LambdaRuntime, output: Output): Promise<void> {
  for (const name of triggers) {
    output.log('DEBUG', name, 'runs before the stack is ready');
    const { error } = await runtime.invoke(name, JSON.stringify({ RequestType: 'Create' }), 'trigger');
    if (error) throw new Error(`The function ${name} must run before the start and failed: ${error.errorMessage}`);
  }
}

function startGateway(options: RunOptions, { runtime, access }: Cloud, schedules: Schedules): WebSocketGateway {
  const { definition, publicServer, faults, identity, trusted, pages } = options;
  const domainName = `127.0.0.1:${publicServer.port}`;
  const invoke = runtime.invoke.bind(runtime);
  const { webSocketApi: api, httpApi } = definition;
  const { idleMillis, lifetimeMillis } = options;
  const gateway = new WebSocketGateway({ api, invoke, faults, domainName, idleMillis, lifetimeMillis });
  const management = new ManagementApi({
    apiId: api.id,
    stageName: api.stage.name,
    connections: gateway.connections,
    access,
    faults,
  });
  const developer = new DeveloperPaths({ identity, trusted, schedules, faults });
  const http =
    httpApi && new HttpGateway({ api: httpApi, invoke, identity: trusted ? identity : undefined, domainName });
  const responders: Responder[] = [
    (request, response) => management.respond(request, response),
    (request, response) => developer.handle(request, response),
    (request, response) => pages.handle(request, response),
    ...(http ? ([(request, response) => http.handle(request, response)] satisfies Responder[]) : []),
  ];
  publicServer.open(responders, (request, socket, head) => gateway.upgrade(request, socket, head));
  return gateway;
}
