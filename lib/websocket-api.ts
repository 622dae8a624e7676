import { type CfnElement, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat, CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import {
  WebSocketApi as Api,
  type CfnStage,
  type IDomainName,
  LogGroupLogDestination,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { stageName } from '../protocol/frames.ts';
import { messages, messageTypes } from '../protocol/messages.ts';
import { accessLogFields } from './access-log.ts';
import type { HandlerName } from './handlers.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Sizes } from './settings.ts';
import type { StageThrottles } from './throttles.ts';

export interface WebSocketApiProps {
  sizes: Sizes;
  /** The limits of the stage and of its routes. */
  throttles: StageThrottles;
  /** Whether the stack sets the role with which API Gateway writes logs in this account and region. */
  accountLogRole: boolean;
  /** A host name that leads to the stage. */
  domainName?: IDomainName | undefined;
}

export type Functions = Readonly<Record<HandlerName, RollcallFunction>>;

const postPath = `${stageName}/POST/@connections/*`;

/** The WebSocket API. It has one route for each message type; the function of the message's group serves it. */
export class WebSocketApi extends Construct {
  /** The API in the CDK. */
  readonly api: Api;
  /** The address that clients connect to: `wss://…/live`, or `wss://` with a host name of your own. */
  readonly url: string;
  /** The address for posts to connections, `https://…/live`. */
  readonly managementEndpoint: string;

  private readonly stage: WebSocketStage;
  private readonly limitedRoutes: readonly string[];

  constructor(scope: Construct, id: string, props: WebSocketApiProps) {
    super(scope, id);
    const { sizes, throttles, accountLogRole, domainName } = props;
    this.api = new Api(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-websocket`,
      description: 'Presence, sessions, cursors and activity',
      routeSelectionExpression: '$request.body.type',
    });
    this.limitedRoutes = Object.keys(throttles.routes);
    const stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName,
      autoDeploy: true,
      throttle: throttles.stage,
      ...(sizes.detailedMetrics ? { detailedMetricsEnabled: true } : {}),
      ...(domainName ? { domainMapping: { domainName } } : {}),
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.createLogGroup(sizes)),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    this.stage = stage;
    this.limitRoutes(throttles.routes);
    if (accountLogRole) stage.node.addDependency(this.allowLogging());
    this.url = domainName ? `wss://${domainName.name}` : stage.url;
    this.managementEndpoint = stage.callbackUrl;
  }

  /** Adds the routes. Each has its own permission to invoke the function that serves it. */
  addRoutes(functions: Functions): void {
    this.addRoute('$connect', functions.connect, {
      // No identity source, so that the function can answer a missing token with 401 and an invalid one with 403.
      authorizer: new WebSocketLambdaAuthorizer('Authorizer', functions.authorizer.invoked, { identitySource: [] }),
    });
    this.addRoute('$disconnect', functions.disconnect);
    this.addRoute('$default', functions.default, { returnResponse: true });
    for (const type of messageTypes) {
      const { group, responds } = messages[type];
      this.addRoute(type, functions[group], { returnResponse: responds });
    }
  }

  /** Permits posts to the connections of this stage and sets the variable with the address. */
  grantAccess(fn: RollcallFunction): void {
    fn.allow(['execute-api:ManageConnections'], [this.postArn]);
    fn.acknowledge(
      `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${this.apiLogicalId}>/${postPath}]`,
      'Connection ids are not known beforehand; the permission covers only connections of this stage.',
    );
    fn.setVariable(environmentNames.managementEndpoint, this.managementEndpoint);
  }

  /** The ARN of posts to all connections of this stage. */
  get postArn(): string {
    const { apiId } = this.api;
    return Stack.of(this).formatArn({ service: 'execute-api', resource: apiId, resourceName: postPath });
  }

  private get apiLogicalId(): string {
    return Stack.of(this).getLogicalId(this.api.node.defaultChild as CfnElement);
  }

  private addRoute(
    routeKey: string,
    fn: RollcallFunction,
    options: { authorizer?: WebSocketLambdaAuthorizer; returnResponse?: boolean } = {},
  ): void {
    const integration = new WebSocketLambdaIntegration('Integration', fn.invoked);
    const route = this.api.addRoute(routeKey, { integration, ...options });
    // API Gateway refuses a limit of a route that does not exist yet.
    if (this.limitedRoutes.includes(routeKey)) this.stage.node.addDependency(route);
    if (!options.authorizer) {
      Validations.of(route).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'A WebSocket API authorizes once, at $connect, and passes the caller with each message.',
      });
    }
  }

  private limitRoutes(routes: StageThrottles['routes']): void {
    if (this.limitedRoutes.length === 0) return;
    const settings = Object.entries(routes).map(([route, { rateLimit, burstLimit }]) => [
      route,
      { ThrottlingRateLimit: rateLimit, ThrottlingBurstLimit: burstLimit },
    ]);
    (this.stage.node.defaultChild as CfnStage).addPropertyOverride('RouteSettings', Object.fromEntries(settings));
  }

  private createLogGroup(sizes: Sizes): logs.LogGroup {
    return new logs.LogGroup(this, 'AccessLog', {
      retention: sizes.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /**
   * A WebSocket stage can log only if API Gateway has a role for logs. This setting belongs to the whole account and
   * region. So deleting the stack keeps it, and an account that has its own role keeps it with `ACCOUNT_LOG_ROLE=existing`.
   */
  private allowLogging(): CfnAccount {
    const role = new iam.Role(this, 'LogRole', {
      description: 'Lets API Gateway write its logs',
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [
        iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
      ],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason: 'API Gateway requires this policy for the log role of an account.',
    });
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }
}
