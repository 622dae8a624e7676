import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');

function scheduleOf(template: SynthesizedTemplate, prefix: string): unknown {
  const [, rule] = template.ofType('AWS::Events::Rule').find(([id]) => id.startsWith(prefix))!;
  return rule.Properties['ScheduleExpression'];
}

test('the timeout sweep runs every minute, the shortest schedule of EventBridge', () => {
  expect(scheduleOf(dev, 'SweepsTimeout')).toBe('rate(1 minute)');
});

test.each([
  ['15', 'rate(15 minutes)'],
  ['1.9', 'rate(1 minute)'],
  ['0.05', 'rate(1 minute)'],
])('with CLEANUP_INTERVAL_MINUTES=%s the cleanup runs at %s', (minutes, rate) => {
  expect(scheduleOf(new SynthesizedTemplate('dev', { CLEANUP_INTERVAL_MINUTES: minutes }), 'SweepsCleanup')).toBe(rate);
});

test('a failed run is not retried, because the next one does its work', () => {
  for (const [, rule] of dev.ofType('AWS::Events::Rule')) {
    for (const target of rule.Properties['Targets'] as object[]) {
      expect(target).toMatchObject({ RetryPolicy: { MaximumRetryAttempts: 0 } });
    }
  }
  dev.template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumRetryAttempts: 0 });
});

test.each([
  ['TIMEOUT_SWEEP_FUNCTION', /^TimeoutSweep/, ['timeout-sweep']],
  ['WEBHOOK_SWEEP_FUNCTION', /^WebhookSweep/, []],
  ['WEBHOOK_SENDER_FUNCTION', /^WebhookSender/, []],
] as [string, RegExp, string[]][])(
  'only functions that have its name, and the timeout sweep itself, may start %s',
  (variable, id, itself) => {
    const statement = {
      ...{ Effect: 'Allow', Action: 'lambda:InvokeFunction' },
      Resource: { 'Fn::GetAtt': [expect.stringMatching(id), 'Arn'] },
    };
    for (const handler of dev.functions().keys()) {
      const invoking = dev.statementsOf(handler).filter(({ Action }) => JSON.stringify(Action).includes('lambda:'));
      const resources = invoking.filter(({ Resource }) => id.test(targetOf(Resource)));
      const may = dev.environmentOf(handler)[variable] !== undefined || itself.includes(handler);
      expect([handler, resources]).toEqual([handler, may ? [statement] : []]);
    }
  },
);

/** The function that a statement names. */
function targetOf(resource: unknown): string {
  return String((resource as { 'Fn::GetAtt'?: string[] })['Fn::GetAtt']?.[0]);
}
