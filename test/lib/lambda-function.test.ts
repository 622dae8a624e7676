import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { handlerNames, handlers } from '../../lib/handlers.ts';
import { sizes } from '../../lib/settings.ts';
import { messages } from '../../protocol/messages.ts';
import { createStack as createVariant } from '../../scripts/aws-check/synthesize.ts';
import { emptyBundle, listed, type Resource, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const functions = [...dev.functions()];
const gatewayTimeoutSeconds = 29;

test('with traces every function is traced, and may write traces and nothing more than without', () => {
  const app = new App({ analyticsReporting: false });
  const stack = createVariant({ sizes: { ...sizes.dev, tracing: true } }, () => emptyBundle, app);
  const traced = Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>;
  const own = Object.entries(traced).filter(
    ([id, { Type }]) => Type === 'AWS::Lambda::Function' && !id.startsWith('AWSCDK'),
  );
  expect(own.map(([, { Properties }]) => Properties['TracingConfig'])).toEqual(own.map(() => ({ Mode: 'Active' })));
  const actionsIn = (resources: object) => [...new Set(JSON.stringify(resources).match(/"\w+:[A-Z]\w+"/g))].sort();
  const more = actionsIn(traced).filter((action) => !actionsIn(dev.resources).includes(action));
  expect(more).toEqual(['"xray:PutTelemetryRecords"', '"xray:PutTraceSegments"']);
});

test.each(['dev', 'prod'] as const)('without traces the template of %s has no right of X-Ray', (environment) => {
  const template = new SynthesizedTemplate(environment);
  expect(JSON.stringify(template.resources)).not.toMatch(/xray:/i);
  for (const [, { Properties }] of template.functions()) expect(Properties).not.toHaveProperty('TracingConfig');
});

test('every handler is a function, and nothing else is', () => {
  expect(functions.map(([handler]) => handler).sort()).toEqual([...handlerNames].sort());
});

test.each(functions)('%s runs on Node.js 24 for arm64, and its log has a retention', (_, fn) => {
  expect(fn.Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
  const { LogGroup } = fn.Properties['LoggingConfig'] as { LogGroup: { Ref: string } };
  expect(dev.resources[LogGroup.Ref]?.Properties['RetentionInDays']).toBe(sizes.dev.logRetentionDays);
});

test('all log groups have a retention, also those of other resources than functions', () => {
  for (const [id, group] of dev.ofType('AWS::Logs::LogGroup')) {
    expect([id, group.Properties['RetentionInDays']]).toEqual([id, sizes.dev.logRetentionDays]);
  }
});

test('functions that serve requests time out before API Gateway does', () => {
  const groups = new Set(Object.values(messages).map(({ group }) => group));
  const serving = [...groups, 'authorizer', 'connect', 'disconnect', 'http'] as const;
  for (const handler of serving) {
    const seconds = dev.functions().get(handler)?.Properties['Timeout'] as number;
    expect(seconds).toBe(handlers[handler].timeoutSeconds);
    expect(seconds).toBeLessThan(gatewayTimeoutSeconds);
  }
});

test('only functions that need Redis or PostgreSQL are in the VPC', () => {
  const outside = functions.filter(([, fn]) => fn.Properties['VpcConfig'] === undefined).map(([handler]) => handler);
  // The sender of webhooks must not reach anything private.
  expect(outside.sort()).toEqual(['authorizer', 'connect', 'webhook-sender']);
  for (const [handler] of functions) {
    const variables = dev.environmentOf(handler);
    const needsNetwork = 'REDIS_URL' in variables || 'DATABASE_SECRET_ARN' in variables;
    expect([handler, needsNetwork]).toEqual([handler, !outside.includes(handler)]);
  }
});

test('a function gets only the chosen settings, so that defaults can adapt', () => {
  const chosen = new SynthesizedTemplate('dev', { AWAY_AFTER_SECONDS: '7', LOG_LEVEL: 'DEBUG', HOME: '/root' });
  const variables = chosen.environmentOf('presence');
  expect(variables).toMatchObject({ AWAY_AFTER_SECONDS: '7', LOG_LEVEL: 'DEBUG' });
  expect(variables).not.toHaveProperty('PRESENCE_UPDATE_SECONDS');
  expect(variables).not.toHaveProperty('HOME');
  expect(dev.environmentOf('presence')['LOG_LEVEL']).toBe('INFO');
});

test('in prod no flood of one message takes the environments of another function, or of handshakes', () => {
  const prod = new SynthesizedTemplate('prod');
  const reserved = [...prod.functions()].map(([handler, fn]) => [
    handler,
    fn.Properties['ReservedConcurrentExecutions'],
  ]);
  expect(Object.fromEntries(reserved)).toEqual(sizes.prod.concurrency);
  const total = Object.values(sizes.prod.concurrency!).reduce((sum, each) => sum + each);
  // An account has 1,000 by default, and AWS keeps 100 of them unreserved.
  expect(total).toBeLessThanOrEqual(900);
});

describe('least privilege', () => {
  /** Wildcards that AWS requires. */
  const forcedByAws: [action: RegExp, resource: RegExp, reason: string][] = [
    [
      /^ec2:\w+(NetworkInterface|PrivateIpAddresses|Subnets|NetworkInterfaces)$/,
      /^"\*"$/,
      'no resource before it exists',
    ],
    [/^execute-api:ManageConnections$/, /\/live\/POST\/@connections\/\*"\]\]\}$/, 'ids are not known beforehand'],
  ];

  test.each(functions.map(([handler]) => handler))('%s has only the wildcards that AWS requires', (handler) => {
    for (const { Action, Resource } of dev.statementsOf(handler)) {
      for (const action of listed(Action)) {
        expect(action).not.toContain('*');
        for (const resource of listed(Resource).map((each) => JSON.stringify(each))) {
          if (!resource.includes('*')) continue;
          const forced = forcedByAws.some(([actions, resources]) => actions.test(action) && resources.test(resource));
          expect([action, resource, forced]).toEqual([action, resource, true]);
        }
      }
    }
  });

  test('no role of a function has an AWS managed policy, which would be too wide', () => {
    for (const [, fn] of functions) {
      const {
        'Fn::GetAtt': [roleId],
      } = fn.Properties['Role'] as { 'Fn::GetAtt': [string, string] };
      expect(dev.resources[roleId]?.Properties).not.toHaveProperty('ManagedPolicyArns');
    }
  });

  test('only functions that have the address of a secret may read it', () => {
    for (const [handler] of functions) {
      const variables = dev.environmentOf(handler);
      const names = ['DATABASE_SECRET_ARN', 'SERVICE_SECRET_ARN', 'INVITE_SECRET_ARN', 'WEBHOOK_KEY_ARN'];
      const expected = names.map((name) => variables[name]).filter(Boolean);
      const read = dev
        .statementsOf(handler)
        .filter(({ Action }) => listed(Action).some((action) => action.startsWith('secretsmanager:')))
        .flatMap(({ Resource }) => listed(Resource));
      expect([handler, read.map(String).length]).toEqual([handler, expected.length]);
      expect(read).toEqual(expect.arrayContaining(expected));
    }
  });
});

test('Lambda logs the start, the end and the duration only of runs that failed, and every line of the functions', () => {
  const levelOf = (template: SynthesizedTemplate) =>
    [...template.functions().values()].map((fn) => fn.Properties['LoggingConfig']);
  const config = { LogFormat: 'JSON', ApplicationLogLevel: 'TRACE' };
  for (const logging of levelOf(dev)) expect(logging).toMatchObject({ ...config, SystemLogLevel: 'WARN' });
});
