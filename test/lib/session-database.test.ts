import { Match } from 'aws-cdk-lib/assertions';
import { digestOf } from '../../lib/content-name.ts';
import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const prod = new SynthesizedTemplate('prod');
const type = 'AWS::RDS::DBInstance';

test('PostgreSQL runs on Graviton, encrypted and not public', () => {
  dev.template.hasResourceProperties(type, {
    Engine: 'postgres',
    EngineVersion: Match.stringLikeRegexp('^18'),
    DBInstanceClass: 'db.t4g.micro',
    StorageEncrypted: true,
    PubliclyAccessible: false,
  });
});

test('PostgreSQL refuses connections without TLS', () => {
  dev.template.hasResourceProperties('AWS::RDS::DBParameterGroup', {
    Parameters: Match.objectLike({ 'rds.force_ssl': '1' }),
  });
});

test('in prod PostgreSQL has a standby, two weeks of backups and deletion protection', () => {
  prod.template.hasResource(type, {
    Properties: { MultiAZ: true, BackupRetentionPeriod: 14, DeletionProtection: true },
    DeletionPolicy: 'Snapshot',
  });
});

test('in dev PostgreSQL is deleted with the stack', () => {
  dev.template.hasResource(type, { Properties: { DeletionProtection: false }, DeletionPolicy: 'Delete' });
});

test('the password is in Secrets Manager and not in the template, and is rotated in prod', () => {
  const [, instance] = prod.ofType(type)[0]!;
  expect(JSON.stringify(instance.Properties['MasterUserPassword'])).toContain('{{resolve:secretsmanager:');
  prod.template.hasResourceProperties('AWS::SecretsManager::RotationSchedule', {
    RotationRules: { ScheduleExpression: 'rate(30 days)' },
  });
});

/** The subnets with a route to a NAT gateway. */
function subnetsWithEgress(): Set<string> {
  const tables = prod
    .ofType('AWS::EC2::Route')
    .filter(([, route]) => route.Properties['NatGatewayId'] !== undefined)
    .map(([, route]) => JSON.stringify(route.Properties['RouteTableId']));
  const associations = prod.ofType('AWS::EC2::SubnetRouteTableAssociation').map(([, { Properties }]) => Properties);
  return new Set(
    associations
      .filter((each) => tables.includes(JSON.stringify(each['RouteTableId'])))
      .map((each) => (each['SubnetId'] as { Ref: string }).Ref),
  );
}

test.each([0, 1])('function %i of the two that rotate passwords can reach Secrets Manager and PostgreSQL', (index) => {
  const [, rotation] = prod.ofType('AWS::Serverless::Application')[index]!;
  const parameters = rotation.Properties['Parameters'] as Record<string, { 'Fn::Join': [string, unknown[]] }>;
  const subnets = parameters['vpcSubnetIds']!['Fn::Join'][1].filter((part) => typeof part === 'object');
  expect(subnets).toHaveLength(2);
  for (const subnet of subnets) expect(subnetsWithEgress()).toContain((subnet as { Ref: string }).Ref);
  const sources = prod
    .ofType('AWS::EC2::SecurityGroupIngress')
    .map(([, { Properties }]) => JSON.stringify(Properties['SourceSecurityGroupId']));
  expect(sources).toContain(JSON.stringify(parameters['vpcSecurityGroupIds']));
});

test.each([dev, prod])('the exported log and the log of the rotation end, and go with the stack', (template) => {
  const [, instance] = template.ofType(type)[0]!;
  const { DBInstanceIdentifier: identifier, EnableCloudwatchLogsExports: exported } = instance.Properties;
  const rotations = template.ofType('AWS::Serverless::Application');
  const names = [
    ...(exported as string[]).map((name) => `/aws/rds/instance/${identifier}/${name}`),
    ...rotations.map(
      ([, each]) => `/aws/lambda/${(each.Properties['Parameters'] as { functionName: string }).functionName}`,
    ),
  ];
  expect(names.length).toBe(template === prod ? 3 : 1);
  for (const name of names) {
    const [id, group] = template
      .ofType('AWS::Logs::LogGroup')
      .find(([, { Properties }]) => Properties['LogGroupName'] === name)!;
    expect(group.Properties['RetentionInDays']).toBe(template === prod ? 90 : 7);
    expect(group.DeletionPolicy).toBe('Delete');
    // Before the service creates it without an end.
    const ofName = rotations.find(([, each]) => JSON.stringify(each.Properties).includes(name.replace(/.*\//, '')));
    const writer = name.startsWith('/aws/rds') ? instance : ofName![1];
    expect(writer.DependsOn).toContain(id);
  }
});

test('its name changes with the properties that force a replacement, so that the replacement can be created', () => {
  const [, { Properties }] = prod.ofType(type)[0]!;
  const { DBName, DBSubnetGroupName, MasterUsername, StorageEncrypted } = Properties;
  const digest = digestOf({ DBName, DBSubnetGroupName, MasterUsername, StorageEncrypted });
  expect(Properties['DBInstanceIdentifier']).toBe(`rollcall-sessions-${digest}`);
});

test('only functions that have the address of its secret can read it and reach PostgreSQL', () => {
  const rules = dev
    .ofType('AWS::EC2::SecurityGroupIngress')
    .filter(([, rule]) => JSON.stringify(rule.Properties['GroupId']).includes('SessionDatabase'))
    .map(([, rule]) => JSON.stringify(rule.Properties['SourceSecurityGroupId']));
  let users = 0;
  for (const [handler, fn] of dev.functions()) {
    const variables = dev.environmentOf(handler);
    const secret = variables['DATABASE_SECRET_ARN'];
    const groups = (fn.Properties['VpcConfig'] as { SecurityGroupIds: unknown[] } | undefined)?.SecurityGroupIds ?? [];
    const isOpen = groups.some((group) => rules.includes(JSON.stringify(group)));
    const reads = dev
      .statementsOf(handler)
      .some((statement) => JSON.stringify(statement.Resource) === JSON.stringify(secret));
    expect([handler, isOpen, reads]).toEqual([handler, secret !== undefined, secret !== undefined]);
    if (secret === undefined) continue;
    users++;
  }
  expect(rules).toHaveLength(users);
});

test('only the migrations can read the secret of the owner; the functions have one of their own, and both rotate in prod', () => {
  const [, instance] = prod.ofType(type)[0]!;
  const masterPassword = JSON.stringify(instance.Properties['MasterUserPassword']);
  const attached = Object.fromEntries(
    prod
      .ofType('AWS::SecretsManager::SecretTargetAttachment')
      .map(([id, each]) => [id, JSON.stringify(each.Properties['SecretId'])]),
  );
  const isOwners = (secret: unknown) =>
    masterPassword.includes(JSON.parse(attached[(secret as { Ref: string }).Ref]!).Ref);
  for (const [handler] of prod.functions()) {
    const { DATABASE_SECRET_ARN: own, SERVICE_SECRET_ARN: others } = prod.environmentOf(handler);
    if (own !== undefined) expect([handler, isOwners(own)]).toEqual([handler, handler === 'migrate']);
    expect([handler, others !== undefined]).toEqual([handler, handler === 'migrate']);
  }
  const rotated = prod.ofType('AWS::SecretsManager::RotationSchedule').map(([, each]) => each.Properties['SecretId']);
  expect(rotated.map(isOwners).sort()).toEqual([false, true]);
});

test('the password of the functions rotates only after the migrations created their user', () => {
  const [migration] = prod.ofType('Custom::Trigger')[0]!;
  const waits = prod
    .ofType('AWS::SecretsManager::RotationSchedule')
    .filter(([, each]) => each.DependsOn?.includes(migration))
    .map(([id]) => id);
  expect(waits).toEqual([expect.stringContaining('ServiceSecret')]);
  for (const id of waits) expect(prod.resources[migration]!.DependsOn).not.toContain(id);
});

test.each(['heartbeat', 'cursor', 'presence', 'session', 'disconnect', 'timeout-sweep'])(
  '[FA2] %s can rebuild a session that Redis lost: it may read the connections and the slots',
  (handler) => {
    const variables = dev.environmentOf(handler);
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(['DATABASE_SECRET_ARN', 'REDIS_URL']));
    const actions = dev.statementsOf(handler).flatMap((statement) => statement.Action);
    expect(actions).toContain('dynamodb:Query');
  },
);

test('the functions that hold connections cannot exceed the connection limit of PostgreSQL', () => {
  const perEnvironment = 2;
  let environments = 0;
  for (const [handler, fn] of prod.functions()) {
    if (!('DATABASE_SECRET_ARN' in prod.environmentOf(handler))) continue;
    const reserved = fn.Properties['ReservedConcurrentExecutions'];
    expect([handler, typeof reserved]).toEqual([handler, 'number']);
    environments += reserved as number;
  }
  // db.t4g.medium has 4 GiB; RDS accepts memory / 9,531,392 bytes connections, and its own processes need a tenth.
  const accepted = Math.floor((4 * 1024 ** 3) / 9_531_392) * 0.9;
  expect(environments).toBeGreaterThan(0);
  expect(environments * perEnvironment).toBeLessThan(accepted);
});
