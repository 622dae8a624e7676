import type { HttpApiDefinition } from './http-api.ts';
import { arn, functionName } from './local-account.ts';
import { wildcard } from './permissions.ts';
import type { Resolver } from './resolver.ts';
import type { ScheduleDefinition } from './schedules.ts';
import type { WebSocketApiDefinition } from './websocket-api.ts';

interface Invocation {
  functionName: string | undefined;
  principal: 'apigateway.amazonaws.com' | 'events.amazonaws.com';
  sourceArn: string;
  purpose: string;
}

/** The parts of a stack that invoke functions. */
interface Invokers {
  webSocketApi: WebSocketApiDefinition;
  httpApi: HttpApiDefinition | undefined;
  schedules: ScheduleDefinition[];
}

/**
 * Checks that each function permits the service that invokes it. On AWS, a stack without the permission deploys, but
 * all calls fail.
 *
 * @throws Error that names the first function without the permission.
 */
export function checkInvokePermissions(definition: Invokers & { resolver: Resolver }): void {
  const permissions = readPermissions(definition.resolver);
  for (const { functionName: name, principal, sourceArn, purpose } of invocationsOf(definition)) {
    if (name === undefined || permissions.some((permission) => permission(name, principal, sourceArn))) continue;
    throw new Error(`The function ${name} does not allow ${principal} to invoke it for ${purpose} (${sourceArn}).`);
  }
}

type Permission = (name: string, principal: string, sourceArn: string) => boolean;

function readPermissions(resolver: Resolver): Permission[] {
  return resolver.resourcesOfType('AWS::Lambda::Permission').map(({ properties }) => {
    const source = properties['SourceArn'] === undefined ? undefined : wildcard(String(properties['SourceArn']));
    return (name, principal, sourceArn) =>
      functionName(String(properties['FunctionName'])) === name &&
      properties['Principal'] === principal &&
      (source?.test(sourceArn) ?? true);
  });
}

function invocationsOf({ webSocketApi, httpApi, schedules }: Invokers): Invocation[] {
  const principal = 'apigateway.amazonaws.com';
  const { id, stage, authorizer } = webSocketApi;
  const routes = [...webSocketApi.routes.values()].map((route) => ({
    functionName: route.functionName,
    principal,
    sourceArn: arn('execute-api', `${id}/${stage.name}/${route.key}`),
    purpose: `the route ${route.key}`,
  })) satisfies Invocation[];
  const authorizers = (authorizer ? [authorizer] : []).map((one) => ({
    functionName: one.functionName,
    principal,
    sourceArn: arn('execute-api', `${id}/authorizers/${one.id}`),
    purpose: 'the authorizer',
  })) satisfies Invocation[];
  const httpRoutes = (httpApi?.routes ?? []).map(({ key, functionName }) => ({
    functionName,
    principal,
    sourceArn: arn('execute-api', `${httpApi?.id}/${httpApi?.stage.name}/${key.replace(' /', '/')}`),
    purpose: `the route ${key}`,
  })) satisfies Invocation[];
  const rules = schedules.flatMap(({ name, targets }) =>
    targets.map((target) => ({
      functionName: target.functionName,
      principal: 'events.amazonaws.com',
      sourceArn: arn('events', `rule/${name}`),
      purpose: `the schedule ${name}`,
    })),
  ) satisfies Invocation[];
  return [...routes, ...authorizers, ...httpRoutes, ...rules];
}
