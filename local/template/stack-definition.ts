import { readAssembly } from './assembly.ts';
import { type FunctionDefinition, readFunctions } from './functions.ts';
import { type HttpApiDefinition, readHttpApis } from './http-api.ts';
import { checkInvokePermissions } from './invoke-permissions.ts';
import { functionName } from './local-account.ts';
import { createResolver, type Resolver } from './resolver.ts';
import { readSchedules, type ScheduleDefinition } from './schedules.ts';
import { readWebSocketApis, type WebSocketApiDefinition } from './websocket-api.ts';

/** All parts of a stack that run locally. */
export interface StackDefinition {
  resolver: Resolver;
  functions: FunctionDefinition[];
  webSocketApi: WebSocketApiDefinition;
  httpApi: HttpApiDefinition | undefined;
  schedules: ScheduleDefinition[];
  /** Functions that run once before everything else: the migrations. */
  triggers: string[];
  /** The identity provider of the stack. */
  identity: { issuer: string; audience: string; jwksUri: string };
}

/** The stack's parameters for the identity provider, with the local values for those without a default. */
export interface IdentityDefaults {
  JwtIssuer: string;
  JwtAudience: string;
  JwksUri: string;
}

/**
 * Reads a cloud assembly.
 *
 * @param identity values for parameters whose default in the template is empty.
 * @throws Error with one sentence if the assembly or its template cannot run locally.
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
