import { type CfnElement, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat, CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { WebSocketApi as Api, LogGroupLogDestination, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { stageName } from '../protocol/frames.ts';
import { messages, messageTypes } from '../protocol/messages.ts';
import type { HandlerName } from './handlers.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Sizes } from './settings.ts';

export type Functions = Readonly<Record<HandlerName, RollcallFunction>>;

/** What a log line of the stage says. Never the query string: it can carry a token. */
const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  connectionId: '$context.connectionId',
  status: '$context.status',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

/** The WebSocket API: one route for each message of the protocol, served by the function of its group. */
export class WebSocketApi extends Construct {
  readonly api: Api;
  /** `wss://…/live`, what a client connects to. */
  readonly url: string;
  /** `https://…/live`, where frames for connections are posted. */
  private readonly managementEndpoint: string;

  constructor(scope: Construct, id: string, sizes: Sizes) {
    super(scope, id);
    this.api = new Api(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-websocket`,
      description: 'Presence, sessions, cursors and activity',
      routeSelectionExpression: '$request.body.type',
    });
    const stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName,
      autoDeploy: true,
      throttle: sizes.webSocketThrottle,
      detailedMetricsEnabled: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.createLogGroup(sizes)),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    stage.node.addDependency(this.allowLogging());
    this.url = stage.url;
    this.managementEndpoint = stage.callbackUrl;
  }

  /** Adds the routes, each with a permission of its own for the function that serves it. */
  addRoutes(functions: Functions): void {
    this.addRoute('$connect', functions.connect, {
      // No identity source: the function itself tells a missing token (401) from a bad one (403).
      authorizer: new WebSocketLambdaAuthorizer('Authorizer', functions.authorizer.function, { identitySource: [] }),
    });
    this.addRoute('$disconnect', functions.disconnect);
    this.addRoute('$default', functions.default, { returnResponse: true });
    for (const type of messageTypes) {
      const { group, responds } = messages[type];
      this.addRoute(type, functions[group], { returnResponse: responds });
    }
  }

  /** Allows posting to the connections of this stage, and tells the function where. */
  grantAccess(fn: RollcallFunction): void {
    const resourceName = `${stageName}/POST/@connections/*`;
    const arn = Stack.of(this).formatArn({ service: 'execute-api', resource: this.api.apiId, resourceName });
    fn.allow(['execute-api:ManageConnections'], [arn]);
    fn.acknowledge(
      `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${this.apiLogicalId}>/${resourceName}]`,
      'The ids of connections are not known beforehand; the width ends at the connections of this stage.',
    );
    fn.setVariable(environmentNames.managementEndpoint, this.managementEndpoint);
  }

  private get apiLogicalId(): string {
    return Stack.of(this).getLogicalId(this.api.node.defaultChild as CfnElement);
  }

  private addRoute(
    routeKey: string,
    fn: RollcallFunction,
    options: { authorizer?: WebSocketLambdaAuthorizer; returnResponse?: boolean } = {},
  ): void {
    const integration = new WebSocketLambdaIntegration('Integration', fn.function);
    const route = this.api.addRoute(routeKey, { integration, ...options });
    if (!options.authorizer) {
      Validations.of(route).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'A WebSocket API authorizes once, at $connect, and repeats the caller on every message.',
      });
    }
  }

  private createLogGroup(sizes: Sizes): logs.LogGroup {
    return new logs.LogGroup(this, 'AccessLog', {
      retention: sizes.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /**
   * A WebSocket stage can log only where the account of API Gateway has a role for it. The setting belongs to the whole
   * account and region, so it stays when the stack goes.
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
      reason: 'API Gateway asks for this very policy before it accepts a role for the logs of an account.',
    });
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }
}
