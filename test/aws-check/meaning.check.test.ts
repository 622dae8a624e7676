import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { digestOf } from '../../lib/content-name.ts';
import { checkAlarmTopics } from '../../scripts/aws-check/alarm-topics.ts';
import { checkFixedNames } from '../../scripts/aws-check/fixed-names.ts';
import { checkLogRetention } from '../../scripts/aws-check/log-retention.ts';
import { listed, referencesIn, resourcesOf, type Template } from '../../scripts/aws-check/template.ts';
import { checkTriggers } from '../../scripts/aws-check/triggers.ts';
import { checkVpcRoutes } from '../../scripts/aws-check/vpc-routes.ts';
import { find, prodTemplate, told } from './templates.ts';

const spec = loadAwsServiceSpecSync();
const withoutSpec = { checkAlarmTopics, checkVpcRoutes, checkTriggers, checkLogRetention };

test('the checks find nothing in the template of prod', () => {
  const template = prodTemplate();
  for (const check of Object.values(withoutSpec)) expect(check(template)).toEqual([]);
  expect(checkFixedNames(template, spec)).toEqual([]);
});

/** Removes the resources and the references to them by name, so that only their absence matters. */
function remove(template: Template, ids: string[]): void {
  for (const id of ids) delete template.Resources[id];
}

describe('alarms', () => {
  const policyOf = (template: Template) => find(template, 'AWS::SNS::TopicPolicy')[1]['PolicyDocument'];
  const alarms = resourcesOf(prodTemplate(), 'AWS::CloudWatch::Alarm').map(([id]) => id);

  test.each<[name: string, change: (template: Template) => void]>([
    ['only denies', (template) => policyOf(template).Statement.pop()],
    [
      'admits another service',
      (template) => (policyOf(template).Statement[1].Principal.Service = 'events.amazonaws.com'),
    ],
    ['admits another action', (template) => (policyOf(template).Statement[1].Action = 'sns:Subscribe')],
    ['concerns another topic', (template) => (policyOf(template).Statement[1].Resource = { Ref: 'Other' })],
    [
      'has a condition that no alarm meets',
      (template) => (policyOf(template).Statement[1].Condition = { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }),
    ],
    ['denies everything', (template) => delete policyOf(template).Statement[0].Condition],
    [
      'permits it, but not the key of the topic',
      (template) => (find(template, 'AWS::SNS::Topic')[1]['KmsMasterKeyId'] = 'alias/aws/sns'),
    ],
  ])('an alarm whose topic %s is found', (_, change) => {
    const template = prodTemplate();
    change(template);
    const [topic] = find(template, 'AWS::SNS::Topic');
    const findings = checkAlarmTopics(template);
    expect(findings.map(({ logicalId }) => logicalId)).toEqual(alarms);
    expect(told(findings)[0]).toContain(`The alarm may not publish to ${topic}. Allow cloudwatch.amazonaws.com`);
  });

  test('a topic without a policy accepts the alarms of its account', () => {
    const template = prodTemplate();
    remove(template, [find(template, 'AWS::SNS::TopicPolicy')[0]]);
    expect(checkAlarmTopics(template)).toEqual([]);
  });
});

describe('functions in the VPC', () => {
  test.each<[name: string, change: (template: Template) => void, problem: RegExp]>([
    [
      'without a NAT gateway reach DynamoDB only',
      (template) => remove(template, natRoutes(template)),
      /CursorFunction\w+: It may call secretsmanager, and its subnet \w+ has no way there/,
    ],
    [
      'without the endpoint of DynamoDB and a NAT gateway',
      (template) => remove(template, [...natRoutes(template), find(template, 'AWS::EC2::VPCEndpoint')[0]]),
      /CursorFunction\w+: It may call dynamodb, and/,
    ],
    [
      'with a NAT gateway that has no way out itself',
      (template) => remove(template, publicRoutes(template)),
      /CursorFunction\w+: It may call execute-api, and/,
    ],
    [
      'without outgoing HTTPS',
      (template) => {
        find(template, 'AWS::EC2::SecurityGroup', 'CursorFunction')[1]['SecurityGroupEgress'] = [
          { CidrIp: '255.255.255.255/32', IpProtocol: 'icmp', FromPort: 252, ToPort: 86 },
        ];
      },
      /CursorFunction\w+: It may call lambda, and/,
    ],
    [
      'without an outgoing rule to PostgreSQL',
      (template) => remove(template, rulesBetween(template, 'Egress', 'CursorFunction', 'SessionDatabase')),
      /CursorFunction\w+: It uses SessionDatabase\w+, and the security groups permit no connection/,
    ],
    [
      'without an incoming rule of Redis',
      (template) => remove(template, rulesBetween(template, 'Ingress', 'CursorFunction', 'PresenceCache')),
      /CursorFunction\w+: It uses PresenceCache\w+, and the security groups permit no connection/,
    ],
    [
      'that rotate passwords in subnets without a way out',
      (template) => {
        const subnets = resourcesOf(template, 'AWS::EC2::Subnet').filter(([id]) => /DataSubnet/.test(id));
        find(template, 'AWS::Serverless::Application')[1]['Parameters'].vpcSubnetIds = {
          'Fn::Join': [',', subnets.map(([Ref]) => ({ Ref }))],
        };
      },
      /Rotation\w+: It may call secretsmanager, and its subnet \w+DataSubnet\w+ has no way there/,
    ],
  ])('%s are found', (_, change, problem) => {
    const template = prodTemplate();
    change(template);
    expect(told(checkVpcRoutes(template)).join('\n')).toMatch(problem);
  });

  test('an interface endpoint leads to Secrets Manager, but not to the connections of a WebSocket API', () => {
    const template = prodTemplate();
    remove(template, natRoutes(template));
    const [, { VpcId }] = find(template, 'AWS::EC2::Subnet');
    for (const service of ['secretsmanager', 'execute-api']) {
      template.Resources[`Endpoint${service}`] = {
        Type: 'AWS::EC2::VPCEndpoint',
        Properties: {
          ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, `.${service}`]] },
          VpcEndpointType: 'Interface',
          PrivateDnsEnabled: true,
          VpcId,
        },
      };
    }
    const problems = told(checkVpcRoutes(template)).join('\n');
    expect(problems).not.toContain('may call secretsmanager');
    expect(problems).toContain('may call execute-api');
  });

  const routesWith = (template: Template, name: string) =>
    resourcesOf(template, 'AWS::EC2::Route')
      .filter(([, route]) => route[name] !== undefined)
      .map(([id]) => id);
  const natRoutes = (template: Template) => routesWith(template, 'NatGatewayId');
  const publicRoutes = (template: Template) => routesWith(template, 'GatewayId');
  const rulesBetween = (template: Template, direction: string, one: string, other: string) =>
    resourcesOf(template, `AWS::EC2::SecurityGroup${direction}`)
      .filter(([, rule]) => {
        const named = referencesIn(rule).map(({ target }) => target);
        return [one, other].every((start) => named.some((id) => id.startsWith(start)));
      })
      .map(([id]) => id);
});

describe('names', () => {
  const databaseId = 'DBInstanceIdentifier';

  test.each<[name: string, change: (template: Template) => string, forcing: string]>([
    [
      'a fixed name of PostgreSQL',
      (template) => set(template, 'AWS::RDS::DBInstance', databaseId, 'rollcall-sessions'),
      'DBName, DBSubnetGroupName, MasterUsername, StorageEncrypted',
    ],
    [
      'a name that does not follow a further property that forces a replacement',
      (template) => set(template, 'AWS::RDS::DBInstance', 'KmsKeyId', 'alias/mine'),
      'DBName, DBSubnetGroupName, KmsKeyId, MasterUsername, StorageEncrypted',
    ],
    [
      'a fixed name of Redis',
      (template) => set(template, 'AWS::ElastiCache::ServerlessCache', 'ServerlessCacheName', 'rollcall-presence'),
      'SubnetIds',
    ],
    [
      'a fixed name of a table',
      (template) => set(template, 'AWS::DynamoDB::Table', 'TableName', 'connections'),
      'KeySchema',
    ],
    [
      'a fixed name of a security group',
      (template) => set(template, 'AWS::EC2::SecurityGroup', 'GroupName', 'redis'),
      'GroupDescription, VpcId',
    ],
    [
      'a name with the name of the stack',
      (template) =>
        set(template, 'AWS::DynamoDB::Table', 'TableName', { 'Fn::Join': ['-', [{ Ref: 'AWS::StackName' }, 'table']] }),
      'KeySchema',
    ],
  ])('%s is found', (_, change, forcing) => {
    const template = prodTemplate();
    const id = change(template);
    const [finding, ...more] = checkFixedNames(template, spec);
    expect(more).toEqual([]);
    expect(finding!.logicalId).toBe(id);
    expect(
      finding!.problem
        .match(/when (.*) changes/)![1]!
        .split(', ')
        .sort()
        .join(', '),
    ).toBe(forcing);
  });

  test('a DNS record may keep its name if it is replaced in another zone', () => {
    const template = prodTemplate();
    const Properties = { Name: 'api.example.com.', Type: 'A', HostedZoneId: 'Z1' };
    template.Resources['Address'] = { Type: 'AWS::Route53::RecordSet', Properties };
    expect(checkFixedNames(template, spec)).toEqual([]);
  });

  test('a name that ends with the digest of the properties that force a replacement is accepted', () => {
    const template = prodTemplate();
    const [, { KeySchema }] = find(template, 'AWS::DynamoDB::Table');
    set(template, 'AWS::DynamoDB::Table', 'TableName', {
      'Fn::Join': ['-', [{ Ref: 'AWS::StackName' }, `table-${digestOf({ KeySchema })}`]],
    });
    expect(checkFixedNames(template, spec)).toEqual([]);
  });

  const set = (template: Template, type: string, name: string, value: unknown) => {
    const [id, properties] = find(template, type);
    properties[name] = value;
    return id;
  };
});

describe('triggers', () => {
  test.each([
    ['the outgoing rule of its function', 'AWS::EC2::SecurityGroupEgress'],
    ['the incoming rule of PostgreSQL', 'AWS::EC2::SecurityGroupIngress'],
    ['the policy of its function', 'AWS::IAM::Policy'],
    ['the route of its subnets', 'AWS::EC2::Route'],
  ])('a trigger that does not wait for %s is found', (_, type) => {
    const template = prodTemplate();
    const [trigger] = find(template, 'Custom::Trigger');
    const dropped = resourcesOf(template, type).map(([id]) => id);
    // The CDK lets the function and its version wait for some of these too. In a hand-written template they may not.
    for (const resource of Object.values(template.Resources)) {
      resource.DependsOn = listed(resource.DependsOn).filter((id) => !dropped.includes(id));
    }
    const findings = checkTriggers(template);
    expect(findings.length).toBeGreaterThan(0);
    for (const finding of findings) {
      expect(finding.logicalId).toBe(trigger);
      expect(dropped.some((id) => finding.problem.includes(`does not wait for ${id}`))).toBe(true);
    }
  });
});

describe('logs', () => {
  test.each<[name: string, change: (template: Template) => string, problem: RegExp]>([
    [
      'a log group without a retention',
      (template) => {
        const [id, properties] = find(template, 'AWS::Logs::LogGroup');
        delete properties['RetentionInDays'];
        return id;
      },
      /keeps its lines for ever/,
    ],
    [
      'a function that writes a group of its own',
      (template) => {
        const [id, properties] = find(template, 'AWS::Lambda::Function', 'AWSCDKTrigger');
        delete properties['LoggingConfig'];
        return id;
      },
      /Lambda creates the log group/,
    ],
    [
      'another exported log of PostgreSQL',
      (template) => {
        const [id, properties] = find(template, 'AWS::RDS::DBInstance');
        properties['EnableCloudwatchLogsExports'].push('upgrade');
        return id;
      },
      /AWS creates the log group \/aws\/rds\/instance\/[\w-]+\/upgrade/,
    ],
    [
      'PostgreSQL that does not wait for its log group',
      (template) => {
        const [id] = find(template, 'AWS::RDS::DBInstance');
        delete template.Resources[id]!.DependsOn;
        return id;
      },
      /AWS creates the log group \/aws\/rds/,
    ],
    [
      'the rotation of the password',
      (template) => {
        const [id, { Parameters }] = find(template, 'AWS::Serverless::Application');
        Parameters.functionName = 'another';
        return id;
      },
      /AWS creates the log group \/aws\/lambda\/another/,
    ],
    [
      'the execution log of an API',
      (template) => {
        const [id, properties] = find(template, 'AWS::ApiGatewayV2::Stage', 'WebSocketApi');
        properties['DefaultRouteSettings'] = { LoggingLevel: 'INFO' };
        return id;
      },
      /API-Gateway-Execution-Logs_/,
    ],
    [
      'the slow log of Redis',
      (template) => {
        const details = { CloudWatchLogsDetails: { LogGroup: '/redis/slow' } };
        template.Resources['Nodes'] = {
          Type: 'AWS::ElastiCache::ReplicationGroup',
          Properties: { LogDeliveryConfigurations: [{ LogType: 'slow-log', DestinationDetails: details }] },
        };
        return 'Nodes';
      },
      /AWS creates the log group \/redis\/slow/,
    ],
  ])('%s without an end is found', (_, change, problem) => {
    const template = prodTemplate();
    const id = change(template);
    const [finding, ...more] = told(checkLogRetention(template));
    expect(more).toEqual([]);
    expect(finding).toMatch(new RegExp(`^${id}: .*${problem.source}`));
  });
});
