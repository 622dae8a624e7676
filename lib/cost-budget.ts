import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { Construct } from 'constructs';
import type { BudgetProps } from './settings.ts';

/**
 * A monthly budget of AWS. It only tells: AWS knows the costs hours later, so `MAX_DOLLARS_PER_HOUR` bounds them. It covers the
 * whole account, because a budget for one stack needs tags that are activated in the account.
 */
export class CostBudget extends Construct {
  constructor(scope: Construct, id: string, { dollarsPerMonth, email }: BudgetProps) {
    super(scope, id);
    const tell = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
      notification: { notificationType, threshold, comparisonOperator: 'GREATER_THAN', thresholdType: 'PERCENTAGE' },
      subscribers: [{ subscriptionType: 'EMAIL', address: email }],
    });
    new CfnBudget(this, 'Budget', {
      budget: { budgetType: 'COST', timeUnit: 'MONTHLY', budgetLimit: { amount: dollarsPerMonth, unit: 'USD' } },
      notificationsWithSubscribers: [tell('ACTUAL', 80), tell('FORECASTED', 100)],
    });
  }
}
