import { RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Sizes } from './settings.ts';

/**
 * The VPC in two zones, or one that exists. The NAT gateways are in public subnets and the functions in private ones. Redis and PostgreSQL
 * are in isolated subnets, which have no route to the internet. A gateway endpoint, which is free, leads to DynamoDB.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  /** Where Redis and PostgreSQL are. */
  readonly dataSubnets: ec2.SubnetSelection;

  /** @param existing a VPC to use; nothing is added to it but security groups. */
  constructor(scope: Construct, id: string, sizes: Sizes, existing?: ec2.IVpc) {
    super(scope, id);
    this.vpc = existing ?? this.createVpc(sizes);
    const hasIsolated = this.vpc.isolatedSubnets.length > 0;
    this.dataSubnets = {
      subnetType: hasIsolated ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PRIVATE_WITH_EGRESS,
    };
  }

  private createVpc(sizes: Sizes): ec2.Vpc {
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: sizes.natGateways,
      subnetConfiguration: [
        { name: 'Public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'Functions', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
        { name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      gatewayEndpoints: { DynamoDb: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB } },
    });
    const flowLog = new logs.LogGroup(this, 'FlowLog', {
      retention: sizes.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('Rejected', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(flowLog),
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });
    return vpc;
  }

  /**
   * The VPC settings of a function. Each function has its own security group, so that Redis and PostgreSQL can name the
   * functions that may reach them. On its own, the group permits only outgoing HTTPS.
   */
  placeFunction(scope: Construct) {
    const group = new ec2.SecurityGroup(scope, 'SecurityGroup', {
      vpc: this.vpc,
      description: `Function ${scope.node.id}`,
      allowAllOutbound: false,
    });
    group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.HTTPS, 'AWS endpoints and posts to connections');
    return {
      vpc: this.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      securityGroups: [group],
    };
  }

  /** A security group for a server in the isolated subnets. At first it permits no traffic. */
  createServerGroup(scope: Construct, description: string): ec2.SecurityGroup {
    return new ec2.SecurityGroup(scope, 'SecurityGroup', { vpc: this.vpc, description, allowAllOutbound: false });
  }
}
