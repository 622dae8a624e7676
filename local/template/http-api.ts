import { apiId } from './local-account.ts';
import type { Resolver } from './resolver.ts';
import { apisOf, integrationOf, partsOf, readStage, type StageDefinition } from './websocket-api.ts';

export interface JwtAuthorizerDefinition {
  issuer: string;
  audience: string[];
}

export interface HttpRoute {
  /** As in the template: `GET /sessions/{id}` or `$default`. */
  key: string;
  functionName: string | undefined;
  integrationTimeoutMillis: number;
  authorizer: JwtAuthorizerDefinition | undefined;
  /** The token must have one of these scopes. If empty, any valid token is accepted. */
  scopes: string[];
}

export interface CorsDefinition {
  AllowOrigins?: string[];
  AllowMethods?: string[];
  AllowHeaders?: string[];
  ExposeHeaders?: string[];
  AllowCredentials?: boolean;
  MaxAge?: number;
}

export interface HttpApiDefinition {
  id: string;
  stage: StageDefinition;
  routes: HttpRoute[];
  cors: CorsDefinition | undefined;
}

/** Reads the template's HTTP APIs. */
export function readHttpApis(resolver: Resolver): HttpApiDefinition[] {
  return apisOf(resolver, 'HTTP').map((api) => {
    const id = apiId(api.logicalId);
    const ofApi = partsOf(resolver, id);
    const authorizers = new Map(
      ofApi('AWS::ApiGatewayV2::Authorizer').map(({ reference, properties }) => {
        const jwt = properties['JwtConfiguration'] as { Issuer?: string; Audience?: string[] } | undefined;
        return [reference, { issuer: jwt?.Issuer ?? '', audience: jwt?.Audience ?? [] }];
      }),
    );
    const routes = ofApi('AWS::ApiGatewayV2::Route').map(({ properties }) => {
      const integration = integrationOf(ofApi, properties['Target']);
      return {
        key: String(properties['RouteKey']),
        functionName: integration.functionName,
        integrationTimeoutMillis: integration.timeoutMillis,
        authorizer: authorizers.get(String(properties['AuthorizerId'])),
        scopes: (properties['AuthorizationScopes'] ?? []) as string[],
      };
    });
    const cors = api.properties['CorsConfiguration'] as CorsDefinition | undefined;
    return { id, stage: readStage(ofApi, api.logicalId), routes, cors };
  });
}
