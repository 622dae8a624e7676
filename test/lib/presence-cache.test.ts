import { App, Stack } from 'aws-cdk-lib';
import { digestOf } from '../../lib/content-name.ts';
import { Network } from '../../lib/network.ts';
import { PresenceCache } from '../../lib/presence-cache.ts';
import { sizes } from '../../lib/settings.ts';
import { emptyStack, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');

test('Redis is a serverless Valkey with limits and without backups', () => {
  dev.template.hasResourceProperties('AWS::ElastiCache::ServerlessCache', {
    Engine: 'valkey',
    SnapshotRetentionLimit: 0,
    CacheUsageLimits: { DataStorage: { Maximum: 1, Unit: 'GB' }, ECPUPerSecond: { Maximum: 5000 } },
  });
});

test('Redis is in the data subnets', () => {
  const [, cache] = dev.ofType('AWS::ElastiCache::ServerlessCache')[0]!;
  const subnets = cache.Properties['SubnetIds'] as { Ref: string }[];
  expect(subnets).toHaveLength(2);
  for (const subnet of subnets) expect(subnet.Ref).toContain('Data');
});

test('only functions that have its address can reach Redis, with TLS and in cluster mode', () => {
  const reached = new Set(
    dev
      .ofType('AWS::EC2::SecurityGroupIngress')
      .filter(([, rule]) => JSON.stringify(rule.Properties['GroupId']).includes('PresenceCache'))
      .map(([, rule]) => JSON.stringify(rule.Properties['SourceSecurityGroupId'])),
  );
  let users = 0;
  for (const [handler, fn] of dev.functions()) {
    const url = dev.environmentOf(handler)['REDIS_URL'];
    const groups = (fn.Properties['VpcConfig'] as { SecurityGroupIds: unknown[] } | undefined)?.SecurityGroupIds ?? [];
    const isOpen = groups.some((group) => reached.has(JSON.stringify(group)));
    expect([handler, isOpen]).toEqual([handler, url !== undefined]);
    if (url === undefined) continue;
    users++;
    expect(JSON.stringify(url)).toContain('rediss://');
    expect(dev.environmentOf(handler)['REDIS_CLUSTER']).toBe('true');
  }
  expect(reached.size).toBe(users);
  expect(users).toBeGreaterThan(0);
});

/** The name as it stands in the template. */
const nameOf = (cache: PresenceCache): string => Stack.of(cache).resolve(cache.cacheName);

test('its name changes with the subnets and their ranges, so that the replacement can be created', () => {
  const nameWith = (change: (network: Network) => void) => {
    const stack = emptyStack();
    const network = new Network(stack, 'Network', sizes.dev);
    change(network);
    return nameOf(new PresenceCache(stack, 'PresenceCache', network, sizes.dev));
  };
  const name = nameWith(() => {});
  expect(name).toBe(nameWith(() => {}));
  expect(name.length).toBeLessThanOrEqual(40);
  const [first, second] = [0, 1].map((index) =>
    nameWith(({ vpc }) => Object.assign(vpc.isolatedSubnets[index]!, { ipv4CidrBlock: '10.1.0.0/24' })),
  );
  expect(new Set([name, first, second]).size).toBe(3);
  const properties = dev.ofType('AWS::ElastiCache::ServerlessCache')[0]![1].Properties;
  expect(properties['ServerlessCacheName']).toMatch(
    new RegExp(`^rollcall-[0-9a-f]{8}-${digestOf({ SubnetIds: properties['SubnetIds'] })}$`),
  );
});

test('caches of two stacks in one account have different names', () => {
  const names = ['rollcall', 'rollcall-prod'].map((stackName) => {
    const stack = new Stack(new App({ analyticsReporting: false }), 'Test', { stackName });
    return nameOf(new PresenceCache(stack, 'PresenceCache', new Network(stack, 'Network', sizes.dev), sizes.dev));
  });
  expect(names[0]).not.toBe(names[1]);
});
