import { readAssembly } from './assembly.ts';
import { type FunctionDefinition, readFunctions } from './functions.ts';
import { type HttpApiDefinition, readHttpApis } from './http-api.ts';
import { checkInvokePermissions } from './invoke-permissions.ts';
import { functionName } from './place.ts';
import { createResolver, type Resolver } from './resolver.ts';
import { readSchedules, type ScheduleDefinition } from './schedules.ts';
import { readWebSocketApis, type WebSocketApiDefinition } from './websocket-api.ts';

/** Everything of a stack that runs on this machine. */
export interface StackDefinition {
  resolver: Resolver;
  functions: FunctionDefinition[];
  webSocketApi: WebSocketApiDefinition;
  httpApi: HttpApiDefinition | undefined;
  schedules: ScheduleDefinition[];
  /** Functions to run once before anything else: the migrations. */
  triggers: string[];
  /** The identity provider the stack was given. */
  identity: { issuer: string; audience: string; jwksUri: string };
}

/** Names of the stack's parameters for the identity provider, and what they are here where the stack has no default. */
export interface IdentityDefaults {
  JwtIssuer: string;
  JwtAudience: string;
  JwksUri: string;
}

/**
 * Reads a cloud assembly.
 *
 * @param identity used where the template's own default is empty.
 * @throws Error with one sentence when the assembly or its template cannot be run.
 */
export async function readStack(assemblyDirectory: string, identity: IdentityDefaults): Promise<StackDefinition> {
  const assembly = await readAssembly(assemblyDirectory);
  const parameters = Object.fromEntries(
    Object.entries(identity).filter(([name]) => !assembly.template.Parameters?.[name]?.Default),
  );
  const resolver = createResolver(assembly.template, assembly.stackName, parameters);
  const given = (name: keyof IdentityDefaults) =>
    assembly.template.Parameters?.[name] ? resolver.text({ Ref: name }) : identity[name];
  const [webSocketApi, ...others] = readWebSocketApis(resolver);
  const [httpApi, ...otherHttpApis] = readHttpApis(resolver);
  if (!webSocketApi || others.length > 0 || otherHttpApis.length > 0) {
    throw new Error(`The stack ${assembly.stackName} must have one WebSocket API and at most one HTTP API.`);
  }
  const schedules = readSchedules(resolver);
  checkInvokePermissions({ resolver, webSocketApi, httpApi, schedules });
  return {
    resolver,
    functions: readFunctions(assembly, resolver),
    webSocketApi,
    httpApi,
    schedules,
    triggers: readTriggers(resolver),
    identity: { issuer: given('JwtIssuer'), audience: given('JwtAudience'), jwksUri: given('JwksUri') },
  };
}

function readTriggers(resolver: Resolver): string[] {
  return resolver
    .resourcesOfType('Custom::Trigger')
    .map(({ properties }) => functionName(String(properties['HandlerArn'])));
}
