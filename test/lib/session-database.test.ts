import { Match } from 'aws-cdk-lib/assertions';
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
  const reserved = [...prod.functions().values()]
    .map((fn) => fn.Properties['ReservedConcurrentExecutions'] as number | undefined)
    .filter((value) => value !== undefined);
  const total = reserved.reduce((sum, value) => sum + value, 0);
  // db.t4g.medium has 4 GiB; RDS accepts memory / 9,531,392 bytes connections.
  const accepted = Math.floor((4 * 1024 ** 3) / 9_531_392);
  expect(reserved.length).toBeGreaterThan(0);
  expect(total * perEnvironment).toBeLessThan(accepted);
});
