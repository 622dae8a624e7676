import { apiId, functionName } from './local-account.ts';
import type { ResolvedResource, Resolver } from './resolver.ts';

export interface RateLimit {
  /** Sustained requests per second. */
  rate: number;
  burst: number;
}

export interface StageDefinition {
  name: string;
  variables: Record<string, string> | undefined;
  /** Limits: the stage's default for each route, and those of single routes. Default: none. */
  limit: RateLimit | undefined;
  routeLimits: Map<string, RateLimit>;
}

export interface SocketRoute {
  key: string;
  /** Undefined if the route has no integration; API Gateway answers such a route with an error. */
  functionName: string | undefined;
  integrationTimeoutMillis: number;
  /** Whether the body of the function's answer is sent to the caller. */
  responds: boolean;
}

export interface AuthorizerDefinition {
  id: string;
  functionName: string;
  identitySources: string[];
}

export interface WebSocketApiDefinition {
  id: string;
  stage: StageDefinition;
  /** Name of the message field that selects the route. */
  routeSelectionField: string;
  routes: Map<string, SocketRoute>;
  authorizer: AuthorizerDefinition | undefined;
}

const maximumIntegrationMillis = 29_000;

/** Reads the template's WebSocket APIs. @throws Error for one without a stage or with an unknown selection expression. */
export function readWebSocketApis(resolver: Resolver): WebSocketApiDefinition[] {
  return apisOf(resolver, 'WEBSOCKET').map((api) => {
    const id = apiId(api.logicalId);
    const expression = String(api.properties['RouteSelectionExpression'] ?? '$request.body.action');
    const field = /^\$request\.body\.([\w-]+)$/.exec(expression.replace(/^\$\{(.*)\}$/, '$$$1'))?.[1];
    if (!field)
      throw new Error(`The route selection expression "${expression}" is not of the form $request.body.name.`);
    const ofApi = partsOf(resolver, id);
    const routes = readRoutes(ofApi);
    const connect = ofApi('AWS::ApiGatewayV2::Route').find(({ properties }) => properties['RouteKey'] === '$connect');
    return {
      id,
      stage: readStage(ofApi, api.logicalId),
      routeSelectionField: field,
      routes,
      authorizer: readAuthorizer(ofApi, connect?.properties['AuthorizerId']),
    };
  });
}

export function apisOf(resolver: Resolver, protocol: 'WEBSOCKET' | 'HTTP'): ResolvedResource[] {
  return resolver
    .resourcesOfType('AWS::ApiGatewayV2::Api')
    .filter((api) => api.properties['ProtocolType'] === protocol);
}

export type PartsOfApi = (type: string) => ResolvedResource[];

export function partsOf(resolver: Resolver, id: string): PartsOfApi {
  return (type) => resolver.resourcesOfType(type).filter(({ properties }) => properties['ApiId'] === id);
}

export interface IntegrationDefinition {
  functionName: string | undefined;
  timeoutMillis: number;
}

/** Integrations by id. Routes refer to them as `integrations/<id>`. */
export function integrationOf(ofApi: PartsOfApi, target: unknown): IntegrationDefinition {
  const id = String(target).replace('integrations/', '');
  const integration = ofApi('AWS::ApiGatewayV2::Integration').find(({ reference }) => reference === id);
  const uri = integration?.properties['IntegrationUri'];
  const timeout = Number(integration?.properties['TimeoutInMillis'] ?? maximumIntegrationMillis);
  return { functionName: uri === undefined ? undefined : functionName(String(uri)), timeoutMillis: timeout };
}

function readRoutes(ofApi: PartsOfApi): Map<string, SocketRoute> {
  const responding = new Set(ofApi('AWS::ApiGatewayV2::RouteResponse').map(({ properties }) => properties['RouteId']));
  return new Map(
    ofApi('AWS::ApiGatewayV2::Route').map(({ reference, properties }) => {
      const key = String(properties['RouteKey']);
      const integration = integrationOf(ofApi, properties['Target']);
      const responds = responding.has(reference) && properties['RouteResponseSelectionExpression'] === '$default';
      return [
        key,
        { key, functionName: integration.functionName, integrationTimeoutMillis: integration.timeoutMillis, responds },
      ];
    }),
  );
}

function readAuthorizer(ofApi: PartsOfApi, id: unknown): AuthorizerDefinition | undefined {
  if (id === undefined) return undefined;
  const authorizer = ofApi('AWS::ApiGatewayV2::Authorizer').find(({ reference }) => reference === id);
  if (!authorizer) throw new Error(`The $connect route names the authorizer ${id}, which the template lacks.`);
  return {
    id: authorizer.reference,
    functionName: functionName(String(authorizer.properties['AuthorizerUri'])),
    identitySources: (authorizer.properties['IdentitySource'] ?? []) as string[],
  };
}

interface RouteSettings {
  ThrottlingRateLimit?: number | string;
  ThrottlingBurstLimit?: number | string;
}

export function readStage(ofApi: PartsOfApi, api: string): StageDefinition {
  const [stage] = ofApi('AWS::ApiGatewayV2::Stage');
  if (!stage) throw new Error(`The API ${api} has no stage, so clients cannot reach it.`);
  const perRoute = (stage.properties['RouteSettings'] ?? {}) as Record<string, RouteSettings>;
  const limits = Object.entries(perRoute).map(([key, settings]) => [key, readLimit(settings)] as const);
  return {
    name: stage.reference,
    variables: stage.properties['StageVariables'] as Record<string, string> | undefined,
    limit: readLimit(stage.properties['DefaultRouteSettings'] as RouteSettings | undefined),
    routeLimits: new Map(limits.filter((entry): entry is [string, RateLimit] => entry[1] !== undefined)),
  };
}

function readLimit(settings: RouteSettings | undefined): RateLimit | undefined {
  if (settings?.ThrottlingRateLimit === undefined) return undefined;
  const rate = Number(settings.ThrottlingRateLimit);
  return { rate, burst: Number(settings.ThrottlingBurstLimit ?? rate) };
}
