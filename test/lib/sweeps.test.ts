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

test('only the sweep itself and functions that have its name may start the timeout sweep', () => {
  const arnOfSweep = expect.objectContaining({ 'Fn::GetAtt': [expect.stringMatching(/^TimeoutSweep/), 'Arn'] });
  for (const handler of dev.functions().keys()) {
    const statements = dev.statementsOf(handler).filter(({ Action }) => JSON.stringify(Action).includes('lambda:'));
    const named = dev.environmentOf(handler)['TIMEOUT_SWEEP_FUNCTION'] !== undefined;
    expect([handler, statements.length]).toEqual([handler, named || handler === 'timeout-sweep' ? 1 : 0]);
    for (const statement of statements) {
      expect(statement).toEqual({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: arnOfSweep });
    }
  }
});
