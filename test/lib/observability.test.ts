import { handlerNames } from '../../lib/handlers.ts';
import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const prod = new SynthesizedTemplate('prod');
const alarms = prod.ofType('AWS::CloudWatch::Alarm').map(([, alarm]) => alarm.Properties);

test.each(handlerNames)('in prod an alarm reports when %s fails or is throttled', (handler) => {
  const alarm = alarms.find(({ AlarmDescription }) => String(AlarmDescription).startsWith(`The function ${handler} `));
  const metrics = JSON.stringify(alarm?.['Metrics']);
  expect(metrics).toContain('"Expression":"errors + throttles"');
  expect(metrics).toContain('"Errors"');
  expect(metrics).toContain('"Throttles"');
  expect(alarm?.['AlarmActions']).toHaveLength(1);
});

test.each(['ExecutionError', '5xx', 'CPUUtilization', 'DatabaseConnections', 'ThrottledCmds'])(
  'in prod %s has an alarm',
  (name) => {
    expect(alarms.map(({ MetricName }) => MetricName)).toContain(name);
  },
);

test('missing data causes no alarm', () => {
  for (const alarm of alarms) expect(alarm['TreatMissingData']).toBe('notBreaching');
});

test('dev has the dashboard but no alarms, which cost money', () => {
  dev.template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  dev.template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
});

test('the alarm of Redis refers to the cache of the stack', () => {
  const [, cache] = prod.ofType('AWS::ElastiCache::ServerlessCache')[0]!;
  const alarm = alarms.find(({ MetricName }) => MetricName === 'ThrottledCmds');
  expect(alarm?.['Dimensions']).toEqual([
    { Name: 'ServerlessCacheName', Value: cache.Properties['ServerlessCacheName'] },
  ]);
});
