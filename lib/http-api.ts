import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi as Api,
  CorsHttpMethod,
  HttpMethod,
  HttpStage,
  type IDomainName,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { IdentityProvider } from './identity-provider.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Sizes } from './settings.ts';

/** Paths without authorization: load balancers and monitoring use them. */
export const openPaths = ['/health'];
/** Paths that need a bearer token. The function decides what the caller may see. */
export const protectedPaths = [
  '/sessions',
  '/sessions/{id}',
  '/sessions/{id}/participants',
  '/sessions/{id}/activity',
  '/sessions/{id}/statistics',
  '/sessions/{id}/presence',
  '/sessions/{id}/attendance',
  '/sessions/{id}/checkpoints',
  '/keys/{key}/sessions',
  '/keys/{key}/activity',
  '/checkpoints',
  '/service/figures',
  '/service/sessions',
  '/service/sessions/{id}',
  '/analytics/usage',
  '/analytics/people',
  '/analytics/leaves',
  '/analytics/activities',
  '/analytics/lengths',
  '/analytics/sessions',
  '/stats',
];

/** Paths that need a token with the scope `rollcall/admin`, which the function checks. */
export const adminRoutes: readonly (readonly [HttpMethod, string])[] = [
  [HttpMethod.GET, '/service/keys'],
  [HttpMethod.POST, '/service/keys'],
  [HttpMethod.DELETE, '/service/keys/{id}'],
  [HttpMethod.GET, '/webhooks'],
  [HttpMethod.POST, '/webhooks'],
  [HttpMethod.GET, '/webhooks/{id}'],
  [HttpMethod.PATCH, '/webhooks/{id}'],
  [HttpMethod.DELETE, '/webhooks/{id}'],
  [HttpMethod.GET, '/webhooks/{id}/deliveries'],
  [HttpMethod.POST, '/webhooks/{id}/rotate'],
  [HttpMethod.POST, '/webhooks/{id}/test'],
  [HttpMethod.POST, '/webhooks/{id}/replay'],
];
/** The server API. The function checks the key, because most checks need no query there. */
export const serverRoutes: readonly (readonly [HttpMethod, string])[] = [
  [HttpMethod.GET, '/server/sessions'],
  [HttpMethod.GET, '/server/sessions/{id}'],
  [HttpMethod.GET, '/server/sessions/{id}/people'],
  [HttpMethod.POST, '/server/sessions/{id}/events'],
  [HttpMethod.DELETE, '/server/sessions/{id}/people/{userId}'],
  [HttpMethod.PUT, '/server/sessions/{id}/agents/{agentId}'],
  [HttpMethod.DELETE, '/server/sessions/{id}/agents/{agentId}'],
];

const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  routeKey: '$context.routeKey',
  status: '$context.status',
  latencyMillis: '$context.responseLatency',
  integrationError: '$context.integrationErrorMessage',
};

export interface HttpApiProps {
  identity: IdentityProvider;
  sizes: Sizes;
  /** The origins whose pages may read the answers. Empty: all. */
  allowedOrigins: readonly string[];
  /** A host name that leads to the API. */
  domainName?: IDomainName | undefined;
}

/** The functions that serve the HTTP API. */
export type HttpFunctions = Record<'http' | 'server', RollcallFunction>;

/** The HTTP API: everything that can be read without a WebSocket. */
export class HttpApi extends Construct {
  /** The API in the CDK. */
  readonly api: Api;
  /** The address of the API, with a slash at its end. */
  readonly url: string;

  constructor(scope: Construct, id: string, { http, server }: HttpFunctions, props: HttpApiProps) {
    super(scope, id);
    const { identity, domainName } = props;
    this.api = new Api(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-http`,
      description: 'Health, sessions, audit trail and statistics',
      createDefaultStage: false,
      corsPreflight: {
        // All origins are safe: the API identifies the caller by a token and never by a cookie.
        allowOrigins: props.allowedOrigins.length > 0 ? [...props.allowedOrigins] : ['*'],
        allowMethods: [CorsHttpMethod.GET],
        allowHeaders: ['authorization', 'content-type'],
        // Pages read from them where the next part of an export begins.
        exposeHeaders: ['link', 'x-next'],
        maxAge: Duration.hours(1),
      },
    });
    const integration = new HttpLambdaIntegration('Integration', http.invoked);
    const authorizer = new HttpJwtAuthorizer('Token', identity.issuer, { jwtAudience: [identity.audience] });
    for (const path of openPaths) {
      for (const route of this.api.addRoutes({ path, methods: [HttpMethod.GET], integration })) {
        Validations.of(route).acknowledge({
          id: 'AwsSolutions-APIG4',
          reason: 'Monitoring reads the health check without a token; it tells only which parts are up.',
        });
      }
    }
    for (const path of protectedPaths) {
      this.api.addRoutes({ path, methods: [HttpMethod.GET], integration, authorizer });
    }
    for (const [method, path] of adminRoutes) this.api.addRoutes({ path, methods: [method], integration, authorizer });
    this.addServerRoutes(server);
    const stage = this.createStage(props);
    this.url = domainName ? `https://${domainName.name}/` : stage.url;
  }

  private addServerRoutes(server: RollcallFunction): void {
    const integration = new HttpLambdaIntegration('ServerIntegration', server.invoked);
    for (const [method, path] of serverRoutes) {
      for (const route of this.api.addRoutes({ path, methods: [method], integration })) {
        Validations.of(route).acknowledge({
          id: 'AwsSolutions-APIG4',
          reason: 'The function verifies the key of each request before it does anything else.',
        });
      }
    }
  }

  private createStage({ sizes, domainName }: HttpApiProps): HttpStage {
    const logGroup = new logs.LogGroup(this, 'AccessLog', {
      retention: sizes.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: sizes.httpThrottle,
      ...(domainName ? { domainMapping: { domainName } } : {}),
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
  }
}
