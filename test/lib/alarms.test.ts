import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricUnits } from '../../protocol/metrics.ts';
import { type AlarmDefinition, metricsOf, type Period, rings } from '../support/alarm-evaluator.ts';
import { SynthesizedTemplate } from './support.ts';

const prod = new SynthesizedTemplate('prod');
const page = readFileSync(join(__dirname, '..', '..', 'docs', 'operations.md'), 'utf8');
/** The alarms by their names, without the hash of the logical id. */
const alarms = prod.ofType('AWS::CloudWatch::Alarm').map(([id, { Properties }]) => {
  const name = id.replace(/^Observability/, '').replace(/[0-9A-F]{8}$/, '');
  return [name, Properties as unknown as AlarmDefinition & { AlarmDescription: string }] as const;
});
const alarmOf = (name: string) => alarms.find(([known]) => known === name)![1];

const repeat = (times: number, period: Period): Period[] => Array.from({ length: times }, () => period);

test.each(alarms)(
  'the alarm %s has a runbook: what it means, three things to look at, how to mend it, when it clears',
  (_, alarm) => {
    const anchor = /Runbook: docs\/operations\.md#(alarm-\w+)$/.exec(alarm.AlarmDescription)?.[1];
    expect(anchor).toBeDefined();
    const sections = page.split(/^### /m).slice(1);
    const section = sections.find((text) => text.split('\n')[0]!.toLowerCase().replaceAll(' ', '-') === anchor);
    expect({ anchor, found: section !== undefined }).toEqual({ anchor, found: true });
    for (const part of ['**It means**', '**Look at**', '**To fix it**', '**It clears**'])
      expect(section).toContain(part);
    const steps = [...section!.matchAll(/^\d\. (?:.+\n)+?(?=\d\.|\n)/gm)].map(([step]) => step);
    expect(steps).toHaveLength(3);
    for (const step of steps) expect(step).toMatch(/`(aws|curl|npm|npx|select|logs) ?[^`]*`/);
  },
);

test('every runbook belongs to an alarm', () => {
  const anchors = new Set(alarms.map(([, { AlarmDescription }]) => AlarmDescription.split('#').at(-1)));
  const runbooks = [...page.matchAll(/^### (Alarm \w+)$/gm)].map(([, title]) => title!.toLowerCase().replace(' ', '-'));
  expect(runbooks.toSorted()).toEqual([...anchors].toSorted());
});

test.each(alarms)(
  'the alarm %s rings at its threshold and not below it, and not if one period less is bad',
  (_, alarm) => {
    const { Threshold, EvaluationPeriods: many, DatapointsToAlarm: needed = many } = alarm;
    const [first, ...others] = metricsOf(alarm);
    const at = (value: number): Period => ({ [first!]: value, ...Object.fromEntries(others.map((name) => [name, 0])) });
    const [bad, good] = [at(Threshold), at(Threshold - 0.01)];
    expect(rings(alarm, [...repeat(many - needed, good), ...repeat(needed, bad)])).toBe(true);
    expect(rings(alarm, repeat(2 * many, good))).toBe(false);
    expect(rings(alarm, [...repeat(needed - 1, bad), ...repeat(many - needed + 1, good)])).toBe(false);
    // When it has rung, it clears by itself.
    expect(rings(alarm, [...repeat(many, bad), ...repeat(many, good)])).toBe(false);
  },
);

test.each(alarms)('without data the alarm %s is silent, unless the metric is written in any case', (name, alarm) => {
  expect(rings(alarm, repeat(2 * alarm.EvaluationPeriods, {}))).toBe(name === 'SweepLate');
});

interface Case {
  bad: Period[];
  good: Period[];
}
const cases: Record<string, Case> = {
  ErrorRate: {
    bad: repeat(3, { errorRate: 20 }),
    // One bad deployment step of two minutes, and the usual refusals of a busy Redis.
    good: [...repeat(2, { errorRate: 100 }), ...repeat(3, { errorRate: 0.5 })],
  },
  DeliverySlow: {
    bad: repeat(5, { deliveryLatency: 4500 }),
    good: [...repeat(4, { deliveryLatency: 4500 }), { deliveryLatency: 160 }],
  },
  SweepLate: {
    // Two late rounds, and then the sweep does not run any more.
    bad: [{ sweepLag: 900 }, ...repeat(2, { sweepLag: 9000 }), {}, {}],
    // A start that falls between two minutes leaves one of them without a value.
    good: [{ sweepLag: 1000 }, {}, { sweepLag: 300 }, { sweepLag: 6000 }, { sweepLag: 0 }],
  },
  OutboxOld: {
    bad: [{ outboxAge: 310 }, { outboxAge: 370 }, { outboxAge: 430 }],
    good: [{ outboxAge: 240 }, { outboxAge: 300 }, { outboxAge: 0 }],
  },
  HandshakesFail: {
    bad: [{ handshakesFailed: 40 }, {}, { handshakesFailed: 30 }, {}, { handshakesFailed: 50 }],
    good: [{ handshakesFailed: 40 }, {}, {}, { handshakesFailed: 1 }, {}],
  },
  RedisAway: {
    bad: [{ redisAway: 100 }, { redisAway: 100 }, { redisAway: 0 }],
    // A failover of some seconds.
    good: [{ redisAway: 0 }, { redisAway: 35 }, { redisAway: 0 }],
  },
  WebhooksLate: {
    bad: [{ webhooksAge: 310 }, { webhooksAge: 370 }, { webhooksAge: 430 }],
    // A large replay that takes some minutes, and then nothing waits.
    good: [{ webhooksAge: 200 }, { webhooksAge: 310 }, { webhooksAge: 0 }],
  },
  WebhookDisabled: { bad: [{ webhooksDisabled: 1 }], good: [{ webhooksDisabled: 0 }] },
  // Scanners without credentials, and one real failure among them.
  Functionauthorizer: {
    bad: repeat(2, { Errors: 31, Throttles: 0, HandshakesWithoutCredentials: 30 }),
    good: repeat(2, { Errors: 30, Throttles: 0, HandshakesWithoutCredentials: 30 }),
  },
  Functioncursor: { bad: [{ Errors: 0, Throttles: 3 }], good: [{ Errors: 0, Throttles: 0 }] },
};

test.each(Object.entries(cases))(
  'the alarm %s rings for what users notice, and not for what passes by itself',
  (name, { bad, good }) => {
    expect(rings(alarmOf(name), bad)).toBe(true);
    expect(rings(alarmOf(name), good)).toBe(false);
  },
);

test('an alarm about a metric of the service compares one that the functions write, in the namespace of the stack', () => {
  const own = alarms.filter(([, alarm]) => String((alarm as { Namespace?: string }).Namespace).startsWith('Rollcall/'));
  const written = own.filter(([name]) => name !== 'RowsSetAside');
  expect(written.map(([name]) => name).toSorted()).toEqual([
    'DeliverySlow',
    'ErrorRate',
    'HandshakesFail',
    'OutboxOld',
    'RedisAway',
    'SweepLate',
    'WebhookDisabled',
    'WebhooksLate',
  ]);
  for (const [, alarm] of written) {
    expect(alarm).toMatchObject({
      Namespace: 'Rollcall/Rollcall',
      Dimensions: [{ Name: 'service', Value: 'rollcall' }],
    });
    const { MetricName, ExtendedStatistic, Statistic } = alarm as unknown as Record<string, string>;
    expect(Object.keys(metricUnits)).toContain(MetricName);
    expect(page).toMatch(new RegExp(`\\| \`${MetricName}\` +\\| \\w+ +\\| ${ExtendedStatistic ?? Statistic} +\\|`));
  }
});
