import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { type HandlerName, handlers } from './handlers.ts';
import type { Network } from './network.ts';
import { chosenSettings, type Sizes } from './settings.ts';

type EnvironmentKey = (typeof environmentNames)[keyof typeof environmentNames];

export interface RollcallFunctionProps {
  handler: HandlerName;
  sizes: Sizes;
  network: Network;
  /** The folder with the `index.mjs` of a handler. */
  bundleOf: (handler: HandlerName) => string;
  /** Where the settings of the user come from. */
  environment: Record<string, string | undefined>;
}

/**
 * One function: the only place for runtime, bundle, memory, timeout, log retention and the role.
 *
 * It starts with the right to write its own log and, in the VPC, to have a network interface; everything else comes
 * from the `grantAccess` of the construct it uses, which adds the permission and the variable together.
 */
export class RollcallFunction extends Construct {
  readonly handler: HandlerName;
  readonly function: lambda.Function;
  private readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: RollcallFunctionProps) {
    super(scope, id);
    this.handler = props.handler;
    const { description, inNetwork, timeoutSeconds, memoryMb, holdsDatabase } = handlers[props.handler];
    const logGroup = new logs.LogGroup(this, 'Log', {
      retention: props.sizes.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = this.createRole(logGroup, inNetwork);
    this.function = new lambda.Function(this, 'Function', {
      description,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(props.bundleOf(props.handler)),
      handler: 'index.handler',
      role: this.role,
      logGroup,
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: memoryMb ?? props.sizes.routeMemoryMb,
      reservedConcurrentExecutions: holdsDatabase ? props.sizes.databaseConcurrency : undefined,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        [environmentNames.logLevel]: props.environment[environmentNames.logLevel]?.trim() || 'INFO',
        ...chosenSettings(props.environment),
      },
      ...(inNetwork ? props.network.placeFunction(this) : {}),
    });
  }

  /** The place in the network that security rules name; only functions in the VPC have one. */
  get connections(): ec2.Connections {
    return this.function.connections;
  }

  /** Sets a variable that the function reads by its name in `environmentNames`. */
  setVariable(name: EnvironmentKey, value: string): void {
    this.function.addEnvironment(name, value);
  }

  /** Allows exactly these actions on exactly these resources. */
  allow(actions: string[], resources: string[]): void {
    this.role.addToPolicy(new iam.PolicyStatement({ actions, resources }));
  }

  /** Says why a permission of this function that a checker finds too wide is as narrow as it can be. */
  acknowledge(finding: string, reason: string): void {
    Validations.of(this).acknowledge({ id: finding, reason });
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
        'The actions on network interfaces know no resource before the interface exists; nothing else has this width.',
      );
    }
    return new iam.Role(this, 'Role', {
      description: `Role of the function ${this.handler}`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { Base: new iam.PolicyDocument({ statements }) },
    });
  }
}

/** What Lambda needs to attach a function to a VPC. These actions know no resource before the interface exists. */
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
