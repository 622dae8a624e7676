import { type App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import { type HandlerName, handlerNames, handlers } from '../../lib/handlers.ts';
import { Rollcall } from '../../lib/rollcall.ts';
import { readDeploymentName, readFlag, sizes } from '../../lib/settings.ts';
import { checkTemplate } from '../../scripts/aws-check/checks.ts';
import { statementsOfRole } from '../../scripts/aws-check/policies.ts';
import { resourcesOf } from '../../scripts/aws-check/template.ts';
import { knowledge, required, templateWith, variablesOf } from './other-app.ts';

test('it is part of a stack of another app, and needs nothing but the identity provider and the bundles', () => {
  const template = templateWith(() => ({}));
  expect(checkTemplate(template, knowledge)).toEqual([]);
  expect(Object.keys(template.Parameters ?? {})).toEqual(['BootstrapVersion']);
  expect(template.Outputs).toBeUndefined();
});

test('it uses the VPC of the stack and adds no network of its own', () => {
  const template = templateWith((stack) => ({ sizes: sizes.prod, vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 }) }));
  expect(checkTemplate(template, knowledge)).toEqual([]);
  expect(resourcesOf(template, 'AWS::EC2::VPC').map(([id]) => id)).toEqual([expect.stringMatching(/^Vpc/)]);
  const [, { SubnetIds }] = resourcesOf(template, 'AWS::ElastiCache::ServerlessCache')[0]!;
  expect(SubnetIds).toEqual([1, 2].map((n) => ({ Ref: expect.stringContaining(`PrivateSubnet${n}`) })));
});

test('in the VPC of another stack, the name of the cache follows the subnets that the stack imports', () => {
  const template = templateWith((stack) => ({
    vpc: new ec2.Vpc(new Stack(stack.node.root as App, 'Network'), 'Vpc', { maxAzs: 2 }),
  }));
  expect(checkTemplate(template, knowledge)).toEqual([]);
  const [, { SubnetIds }] = resourcesOf(template, 'AWS::ElastiCache::ServerlessCache')[0]!;
  expect(SubnetIds).toEqual([1, 2].map(() => ({ 'Fn::ImportValue': expect.stringContaining('PrivateSubnet') })));
});

/** A VPC with a database and a cache, as an app imports them. */
function importedStores(stack: Stack) {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    privateSubnetIds: ['subnet-3', 'subnet-4'],
  });
  const group = (id: string) => ec2.SecurityGroup.fromSecurityGroupId(stack, id, id);
  const secretCompleteArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf';
  const keyArn = 'arn:aws:kms:eu-central-1:123456789012:key/1';
  const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', keyArn);
  const secret = Secret.fromSecretAttributes(stack, 'Secret', { secretCompleteArn, encryptionKey });
  return {
    vpc,
    database: { secret, securityGroup: group('sg-database') },
    cache: { host: 'cache.example.com', cluster: false, securityGroup: group('sg-cache') },
  };
}

test('it uses a database and a cache that exist, and creates neither', () => {
  const template = templateWith((stack) => ({ sizes: sizes.prod, ...importedStores(stack) }));
  expect(checkTemplate(template, knowledge)).toEqual([]);
  expect(resourcesOf(template, 'AWS::RDS::DBInstance', 'AWS::ElastiCache::ServerlessCache')).toEqual([]);
  const rules = resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').map(([, rule]) => rule);
  const opened = (group: string) =>
    rules.filter(({ GroupId }) => GroupId === group).map(({ FromPort, ToPort }) => [FromPort, ToPort]);
  // Every function in the VPC uses PostgreSQL but `default`, and Redis but `migrate` and `webhook-sweep`.
  const inNetwork = handlerNames.filter((name) => handlers[name].inNetwork);
  const but = (...names: HandlerName[]) => inNetwork.filter((other) => !names.includes(other));
  expect(opened('sg-database')).toEqual(but('default').map(() => [5432, 5432]));
  expect(opened('sg-cache')).toEqual(but('migrate', 'webhook-sweep').map(() => [6379, 6379]));
  const cursor = variablesOf(template, 'Shares cursors');
  expect(cursor).toMatchObject({ REDIS_URL: 'rediss://cache.example.com:6379' });
  expect(cursor['DATABASE_SECRET_ARN']).toMatch(/:secret:shop-AbCdEf$/);
  expect(cursor['REDIS_CLUSTER']).toBeUndefined();
  const alarmed = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([, { MetricName }]) => MetricName);
  expect(alarmed).toContain('ExecutionError');
  expect(alarmed).not.toEqual(expect.arrayContaining(['CPUUtilization']));
  expect(alarmed).not.toEqual(expect.arrayContaining(['ThrottledCmds']));
});

test('with a secret for the functions of a database that exists, only the migrations read that of the owner', () => {
  const complete = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:functions-AbCdEf';
  const template = templateWith((stack) => {
    const { database, ...others } = importedStores(stack);
    const serviceSecret = Secret.fromSecretCompleteArn(stack, 'Functions', complete);
    return { ...others, sizes: sizes.prod, database: { ...database, serviceSecret } };
  });
  expect(checkTemplate(template, knowledge)).toEqual([]);
  expect(variablesOf(template, 'Shares cursors')).toMatchObject({ DATABASE_SECRET_ARN: complete });
  const migrate = variablesOf(template, handlers.migrate.description);
  expect(migrate).toMatchObject({ SERVICE_SECRET_ARN: complete });
  expect(migrate['DATABASE_SECRET_ARN']).toMatch(/:secret:shop-AbCdEf$/);
});

test('it shows the metrics of stores that exist if it knows their names', () => {
  const template = templateWith((stack) => {
    const { vpc, database, cache } = importedStores(stack);
    const instance = rds.DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Instance', {
      ...{ instanceIdentifier: 'shop', instanceEndpointAddress: 'db.example.com', port: 5432, securityGroups: [] },
    });
    return {
      ...{ vpc, sizes: sizes.prod },
      database: { ...database, instance },
      cache: { ...cache, cluster: true, serverlessName: 'shop' },
    };
  });
  expect(checkTemplate(template, knowledge)).toEqual([]);
  const alarmed = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([, { MetricName }]) => MetricName);
  expect(alarmed).toEqual(expect.arrayContaining(['CPUUtilization', 'ThrottledCmds']));
  // The limit of an unknown server is unknown.
  expect(alarmed).not.toContain('DatabaseConnections');
  expect(variablesOf(template, 'Shares cursors')['REDIS_CLUSTER']).toBe('true');
});

test('it uses a database and a cache of another stack of the app, and the stacks depend on each other in one direction', () => {
  const template = templateWith((stack) => {
    const data = new Stack(stack.node.root as App, 'Data');
    const vpc = new ec2.Vpc(data, 'Vpc', { maxAzs: 2 });
    const instance = new rds.DatabaseInstance(data, 'Database', {
      ...{ engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18_3 }), vpc },
    });
    const securityGroup = new ec2.SecurityGroup(data, 'Cache', { vpc });
    return {
      vpc,
      database: { secret: instance.secret!, securityGroup: instance.connections.securityGroups[0]!, instance },
      cache: { host: 'cache.example.com', securityGroup },
    };
  });
  expect(checkTemplate(template, knowledge)).toEqual([]);
});

test.each([
  [
    'without their VPC',
    (stack: Stack) => ({ ...importedStores(stack), vpc: undefined }),
    'A database or cache that exists is not reachable from a new VPC; set vpc to the VPC that it is in.',
  ],
  [
    'with a secret that is known only by its name',
    (stack: Stack) => {
      const { database, ...others } = importedStores(stack);
      return { ...others, database: { ...database, secret: Secret.fromSecretNameV2(stack, 'Named', 'shop') } };
    },
    /^The secret of the database has no complete ARN.*; use Secret.fromSecretCompleteArn\.$/,
  ],
])('stores that exist are refused %s', (_, make, message) => {
  expect(() => templateWith(make)).toThrow(message);
});

test('its alarms go to the topic of the stack', () => {
  const template = templateWith((stack) => ({ sizes: sizes.prod, alarmTopic: new sns.Topic(stack, 'Alerts') }));
  expect(checkTemplate(template, knowledge)).toEqual([]);
  const topics = resourcesOf(template, 'AWS::SNS::Topic');
  expect(topics).toHaveLength(1);
  const [topic] = topics[0]!;
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm');
  expect(alarms.length).toBeGreaterThan(10);
  for (const [, { AlarmActions }] of alarms) expect(AlarmActions).toEqual([{ Ref: topic }]);
});

test('it does not change the role for the logs of API Gateway if the option says so', () => {
  expect(
    resourcesOf(
      templateWith(() => ({})),
      'AWS::ApiGateway::Account',
    ),
  ).toHaveLength(1);
  const template = templateWith(() => ({ accountLogRole: false }));
  expect(resourcesOf(template, 'AWS::ApiGateway::Account')).toEqual([]);
});

test('its settings reach the functions, and an invalid one is refused', () => {
  const template = templateWith(() => ({ settings: { SESSION_TIMEOUT_HOURS: '8' } }));
  const own = resourcesOf(template, 'AWS::Lambda::Function').filter(([id]) => id.startsWith('Presence'));
  expect(own).toHaveLength(handlerNames.length);
  for (const [, { Environment }] of own) {
    expect(Environment).toMatchObject({ Variables: { SESSION_TIMEOUT_HOURS: '8' } });
  }
  expect(() => templateWith(() => ({ settings: { SESSION_TIMEOUT_HOURS: 'long' } }))).toThrow(
    /^SESSION_TIMEOUT_HOURS is "long"; set it to/,
  );
});

test('grantPublish permits finding the connections of a session and posting to them, and nothing else', () => {
  const template = templateWith(
    () => ({}),
    (rollcall, stack) => {
      const assumedBy = new iam.ServicePrincipal('lambda.amazonaws.com');
      rollcall.grantPublish(new iam.Role(stack, 'Robot', { assumedBy }));
    },
  );
  const [robot] = resourcesOf(template, 'AWS::IAM::Role').find(([id]) => id.startsWith('Robot'))!;
  const statements = statementsOfRole(template, robot);
  expect(statements.map(({ Action }) => Action)).toEqual(['dynamodb:Query', 'execute-api:ManageConnections']);
  expect(JSON.stringify(statements[0]!.Resource)).toMatch(/PresenceConnectionTable.*\/index\/bySession/);
  expect(JSON.stringify(statements[1]!.Resource)).toMatch(/PresenceWebSocketApi.*\/live\/POST\/@connections\/\*/);
});

test('a second one in a stack is refused, because some names belong to the stack', () => {
  expect(() =>
    templateWith(
      () => ({}),
      (_, stack) => new Rollcall(stack, 'Other', required),
    ),
  ).toThrow('The stack Shop has a Rollcall already; put the second one into a stack of its own.');
});

test('a flag of the context is true or false', () => {
  expect([undefined, 'false', 'true', true].map((value) => readFlag('cognito', value))).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(() => readFlag('cognito', 'yes')).toThrow('cognito is "yes"; set it to true or false.');
});

test('the name of a deployment begins the name of its stack', () => {
  expect(readDeploymentName(undefined)).toBe('rollcall');
  expect(readDeploymentName('staging-2')).toBe('staging-2');
  for (const name of ['Staging', '2nd', 'a--b', 'a-', 'x'.repeat(31)]) {
    expect(() => readDeploymentName(name)).toThrow(`The name is "${name}"; begin it with a letter`);
  }
});
