import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { type HandlerName, handlers } from './handlers.ts';
import type { Network } from './network.ts';
import { overlapPolicy } from './overlapping-policy.ts';
import { chosenSettings, type Sizes } from './settings.ts';

type EnvironmentKey = (typeof environmentNames)[keyof typeof environmentNames];

export interface RollcallFunctionProps {
  handler: HandlerName;
  sizes: Sizes;
  network: Network;
  /** The folder with the `index.mjs` of a handler. */
  bundleOf: (handler: HandlerName) => string;
  /** The environment of the synthesis; it holds the user's settings. */
  environment: Record<string, string | undefined>;
}

/**
 * One Lambda function with its runtime, bundle, memory, time-out, log retention and role.
 *
 * At first it may only write its own log and, in the VPC, have a network interface. Every other permission comes from
 * the `grantAccess` of a construct, which adds the permission and the variable together.
 */
export class RollcallFunction extends Construct {
  /** The name of its handler. */
  readonly handler: HandlerName;
  /** The function in the CDK, with its metrics. */
  readonly function: lambda.Function;
  /** The alias that moves to a new version gradually. Undefined if a deployment replaces the code at once. */
  readonly alias: lambda.Alias | undefined;
  /** Where it writes its log. */
  readonly logGroup: logs.LogGroup;
  private readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: RollcallFunctionProps) {
    super(scope, id);
    this.handler = props.handler;
    const { description, inNetwork, timeoutSeconds, memoryMb, runsAtDeployment } = handlers[props.handler];
    this.logGroup = new logs.LogGroup(this, 'Log', {
      retention: props.sizes.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = this.createRole(this.logGroup, inNetwork);
    this.function = new lambda.Function(this, 'Function', {
      description,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(props.bundleOf(props.handler)),
      handler: 'index.handler',
      role: this.role,
      logGroup: this.logGroup,
      ...loggingOf(props.sizes),
      tracing: props.sizes.tracing ? lambda.Tracing.ACTIVE : undefined,
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: memoryMb ?? props.sizes.routeMemoryMb,
      reservedConcurrentExecutions: props.sizes.concurrency?.[props.handler],
      environment: {
        [environmentNames.logLevel]: props.environment[environmentNames.logLevel]?.trim() || 'INFO',
        ...chosenSettings(props.environment),
      },
      ...(inNetwork ? props.network.placeFunction(this) : {}),
    });
    if (props.sizes.tracing && !inNetwork) {
      this.acknowledge(
        'AwsSolutions-IAM5[Resource::*]',
        'X-Ray has no resources to name; the role may only write traces.',
      );
    }
    this.alias = props.sizes.gradualDeployment && !runsAtDeployment ? this.createAlias() : undefined;
  }

  /** What routes, schedules and other functions invoke: the alias, or else the function. */
  get invoked(): lambda.IFunction {
    return this.alias ?? this.function;
  }

  /** What security group rules refer to. Only functions in the VPC have it. */
  get connections(): ec2.Connections {
    return this.function.connections;
  }

  /** Sets an environment variable of the function. */
  setVariable(name: EnvironmentKey, value: string): void {
    this.function.addEnvironment(name, value);
  }

  /** Permits exactly these actions on exactly these resources. */
  allow(actions: string[], resources: string[]): void {
    this.role.addToPolicy(new iam.PolicyStatement({ actions, resources }));
  }

  /** Records why a finding of the security check about this function is accepted. */
  acknowledge(finding: string, reason: string): void {
    Validations.of(this).acknowledge({ id: finding, reason });
  }

  private createAlias(): lambda.Alias {
    return new lambda.Alias(this, 'Alias', { aliasName: 'live', version: this.function.currentVersion });
  }

  private createRole(logGroup: logs.LogGroup, inNetwork: boolean): iam.Role {
    const statements = [
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    ];
    if (inNetwork) {
      statements.push(networkInterfaceStatement());
      this.acknowledge(
        'AwsSolutions-IAM5[Resource::*]',
        'These actions cannot name a network interface before it exists; no other permission is as wide.',
      );
    }
    const role = new iam.Role(this, 'Role', {
      description: `Role of the function ${this.handler}`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { Base: new iam.PolicyDocument({ statements }) },
    });
    overlapPolicy(role);
    return role;
  }
}

/**
 * Lambda writes three lines of its own for each run, about 0.35 KB, which costs a sixth as much as the message. By default it
 * writes only those of runs that failed or timed out. It passes on every line of the function.
 */
function loggingOf({ platformLogs = false }: Sizes) {
  return {
    loggingFormat: lambda.LoggingFormat.JSON,
    systemLogLevelV2: platformLogs ? lambda.SystemLogLevel.INFO : lambda.SystemLogLevel.WARN,
    applicationLogLevelV2: lambda.ApplicationLogLevel.TRACE,
  };
}

/**
 * The permissions that Lambda needs to attach a function to a VPC. They cannot name a network interface before it
 * exists.
 */
function networkInterfaceStatement(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    resources: ['*'],
  });
}
