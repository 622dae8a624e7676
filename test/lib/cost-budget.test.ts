import { Template } from 'aws-cdk-lib/assertions';
import { readBudget, sizes } from '../../lib/settings.ts';
import { createStack } from '../../scripts/aws-check/synthesize.ts';
import { emptyBundle, SynthesizedTemplate } from './support.ts';

test('without a budget in the context there is none', () => {
  expect(readBudget(undefined, undefined)).toBeUndefined();
  expect(new SynthesizedTemplate('prod').ofType('AWS::Budgets::Budget')).toEqual([]);
});

test('a budget tells an address at 80 % of the dollars, and when all are forecast to be spent', () => {
  const budget = readBudget('500', 'ops@example.com')!;
  const template = Template.fromStack(createStack({ sizes: sizes.dev, budget }, () => emptyBundle));
  const told = (NotificationType: string, Threshold: number) => ({
    Notification: { NotificationType, Threshold, ThresholdType: 'PERCENTAGE', ComparisonOperator: 'GREATER_THAN' },
    Subscribers: [{ SubscriptionType: 'EMAIL', Address: 'ops@example.com' }],
  });
  template.hasResourceProperties('AWS::Budgets::Budget', {
    Budget: { BudgetType: 'COST', TimeUnit: 'MONTHLY', BudgetLimit: { Amount: 500, Unit: 'USD' } },
    NotificationsWithSubscribers: [told('ACTUAL', 80), told('FORECASTED', 100)],
  });
});

test.each([
  ['0', 'ops@example.com', 'budgetDollars is "0"; set it to the dollars a month, for example 500.'],
  [undefined, 'ops@example.com', 'budgetDollars is ""; set it to the dollars a month, for example 500.'],
  ['500', undefined, 'budgetEmail is ""; set it to the e-mail address that AWS tells.'],
  ['500', 'ops', 'budgetEmail is "ops"; set it to the e-mail address that AWS tells.'],
])('a budget of %s for %s is refused', (dollars, email, sentence) => {
  expect(() => readBudget(dollars, email)).toThrow(new Error(sentence));
});
