import { setAsideMessage, withoutCredentials } from '../../lambdas/platform/environment.ts';
import { handlerNames } from '../../lib/handlers.ts';
import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const prod = new SynthesizedTemplate('prod');
const alarms = prod.ofType('AWS::CloudWatch::Alarm').map(([, alarm]) => alarm.Properties);

test.each(handlerNames)('in prod an alarm reports when %s fails or is throttled', (handler) => {
  const alarm = alarms.find(({ AlarmDescription }) => String(AlarmDescription).startsWith(`The function ${handler} `));
  const metrics = JSON.stringify(alarm?.['Metrics']);
  expect(metrics).toContain('"Expression":"errors + throttles');
  expect(metrics).toContain('"Errors"');
  expect(metrics).toContain('"Throttles"');
  expect(alarm?.['AlarmActions']).toHaveLength(1);
});

test.each(['ExecutionError', '5xx', 'CPUUtilization', 'DatabaseConnections', 'ThrottledCmds', 'RowsSetAside'])(
  'in prod %s has an alarm',
  (name) => {
    expect(alarms.map(({ MetricName }) => MetricName)).toContain(name);
  },
);

test('the alarms may publish to their topic', () => {
  const [topicId] = prod.ofType('AWS::SNS::Topic')[0]!;
  for (const alarm of alarms) expect(alarm['AlarmActions']).toEqual([{ Ref: topicId }]);
  const statements = prod
    .ofType('AWS::SNS::TopicPolicy')
    .flatMap(([, policy]) => (policy.Properties['PolicyDocument'] as { Statement: object[] }).Statement);
  expect(statements).toContainEqual({
    Sid: 'AllowAlarms',
    Effect: 'Allow',
    Principal: { Service: 'cloudwatch.amazonaws.com' },
    Action: 'sns:Publish',
    Resource: { Ref: topicId },
    Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
  });
});

test('the lines of the sweeps about rows that they set aside are counted', () => {
  const filters = prod.ofType('AWS::Logs::MetricFilter').filter(([id]) => id.includes('SetAside'));
  const groups = ['timeout-sweep', 'cleanup-sweep', 'webhook-sweep'].map(
    (name) => (prod.functions().get(name)!.Properties['LoggingConfig'] as { LogGroup: object }).LogGroup,
  );
  expect(filters.map(([, { Properties }]) => Properties['LogGroupName'])).toEqual(groups);
  for (const [, { Properties }] of filters) {
    expect(Properties).toMatchObject({
      FilterPattern: `{ $.message = "${setAsideMessage}" }`,
      MetricTransformations: [{ MetricName: 'RowsSetAside', MetricValue: '1' }],
    });
  }
});

test('a handshake without credentials, which anybody can send, raises no alarm', () => {
  const [, filter] = prod.ofType('AWS::Logs::MetricFilter').find(([id]) => id.includes('WithoutCredentials'))!;
  const { LogGroup } = prod.functions().get('authorizer')!.Properties['LoggingConfig'] as { LogGroup: object };
  expect(filter.Properties).toMatchObject({
    LogGroupName: LogGroup,
    FilterPattern: `{ $.message = "${withoutCredentials}" }`,
  });
  const [counted] = filter.Properties['MetricTransformations'] as [Record<string, string>];
  expect(counted['MetricValue']).toBe('1');
  const alarm = alarms.find(({ AlarmDescription }) => String(AlarmDescription).includes('function authorizer '))!;
  const metrics = alarm['Metrics'] as { Id: string; Expression?: string; MetricStat?: object }[];
  expect(metrics[0]?.Expression).toBe('errors + throttles - FILL(refused, 0)');
  expect(metrics.find(({ Id }) => Id === 'refused')?.MetricStat).toMatchObject({
    Metric: { MetricName: counted['MetricName'], Namespace: counted['MetricNamespace'] },
    Stat: 'Sum',
  });
  // An error and its log line can count in two periods; in two periods in a row they cancel out.
  expect(alarm['EvaluationPeriods']).toBe(2);
});

test('missing data causes no alarm, except for the sweep, which writes its metric in any case', () => {
  const others = alarms.filter(({ MetricName }) => MetricName !== 'sweepLag');
  expect(others).toHaveLength(alarms.length - 1);
  for (const alarm of others) expect(alarm['TreatMissingData']).toBe('notBreaching');
});

test('dev has the dashboard but no alarms, which cost money', () => {
  dev.template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  dev.template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
});

test('the alarm of Redis refers to the cache of the stack', () => {
  const [, cache] = prod.ofType('AWS::ElastiCache::ServerlessCache')[0]!;
  const alarm = alarms.find(({ MetricName }) => MetricName === 'ThrottledCmds');
  expect(alarm?.['Dimensions']).toEqual([{ Name: 'clusterId', Value: cache.Properties['ServerlessCacheName'] }]);
});
