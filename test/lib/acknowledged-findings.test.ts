import { App } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { environments } from '../../protocol/settings.ts';
import { createStack, emptyStack } from './support.ts';

function findings(app: App): string[] {
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.map(({ ruleName, violatingResources }) => `${ruleName} at ${violatingResources.length} resources`);
}

test.each(environments)('the AWS Solutions checks find only acknowledged findings in %s', (name) => {
  const app = new App({ analyticsReporting: false });
  createStack(name, {}, app);
  expect(findings(app)).toEqual([]);
});

test('the checks work: they find a secret without an acknowledgement', () => {
  const stack = emptyStack();
  new Secret(stack, 'Secret');
  expect(findings(stack.node.root as App)).toEqual(['AwsSolutions-SMG4 at 1 resources']);
});
