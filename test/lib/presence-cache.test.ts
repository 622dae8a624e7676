import { SynthesizedTemplate } from './support.ts';

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
