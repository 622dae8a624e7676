import { Lazy, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { contentName, digestOf } from './content-name.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Network } from './network.ts';
import type { Sizes } from './settings.ts';
import type { Cache } from './stores.ts';

/** ElastiCache Serverless answers writers on the first port and readers on the second. */
const ports = { from: 6379, to: 6380 };

/**
 * Redis as ElastiCache Serverless for Valkey. It always uses TLS, two zones and cluster mode, and costs from about $6 a
 * month. It has no backup, because presence is rebuilt and never restored.
 */
export class PresenceCache extends Construct implements Cache {
  /** Name of the cache, the dimension of its metrics. */
  readonly cacheName: string;
  private readonly cache: elasticache.CfnServerlessCache;
  private readonly group: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, network: Network, sizes: Sizes) {
    super(scope, id);
    this.group = network.createServerGroup(this, 'Redis: only functions with granted access');
    const subnets = network.vpc.selectSubnets(network.dataSubnets);
    const { subnetIds } = subnets;
    // A subnet with another range or zone is another subnet under the same reference, and forces another cache.
    // The reference of a subnet of an existing VPC is its id, which says all.
    const made = subnets.subnets.filter(({ subnetId }) => Token.isUnresolved(subnetId));
    const places = made.map(({ ipv4CidrBlock, availabilityZone }) => [ipv4CidrBlock, availabilityZone]);
    const stack = Stack.of(this);
    const place = digestOf(stack.resolve([stack.stackName, places]));
    // The expression for a subnet of another stack is known only at the end of the synthesis. So nothing is cached.
    const produce = () => contentName(`rollcall-${place}`, stack.resolve({ SubnetIds: subnetIds }));
    this.cacheName = Lazy.uncachedString({ produce });
    this.cache = new elasticache.CfnServerlessCache(this, 'Cache', {
      engine: 'valkey',
      majorEngineVersion: '8',
      serverlessCacheName: this.cacheName,
      description: 'Presence, cursors and deadlines',
      securityGroupIds: [this.group.securityGroupId],
      subnetIds,
      snapshotRetentionLimit: 0,
      cacheUsageLimits: {
        dataStorage: { maximum: sizes.cache.maximumGb, unit: 'GB' },
        ecpuPerSecond: { maximum: sizes.cache.maximumEcpuPerSecond },
      },
    });
  }

  /** Permits connections from the function and sets the variables with the address. */
  grantAccess(fn: RollcallFunction): void {
    this.group.connections.allowFrom(fn, ec2.Port.tcpRange(ports.from, ports.to), 'Redis');
    fn.setVariable(environmentNames.redisUrl, `rediss://${this.cache.attrEndpointAddress}:${ports.from}`);
    fn.setVariable(environmentNames.redisCluster, 'true');
  }
}
