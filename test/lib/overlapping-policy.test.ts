import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { RollcallFunction } from '../../lib/lambda-function.ts';
import { Network } from '../../lib/network.ts';
import { sizes } from '../../lib/settings.ts';
import { emptyBundle, SynthesizedTemplate } from './support.ts';

interface Policy {
  Properties: { PolicyName: string };
}

/** The policy of a function that may do this, and whether the function waits for it. */
function policyWith(actions: string[], resource = '*') {
  const stack = new Stack(new App({ analyticsReporting: false }), 'Test');
  const network = new Network(stack, 'Network', sizes.dev);
  const fn = new RollcallFunction(stack, 'Fn', {
    ...{ handler: 'default', sizes: sizes.dev, network, bundleOf: () => emptyBundle, environment: {} },
  });
  for (const action of actions) fn.allow([action], [resource]);
  const template = Template.fromStack(stack);
  const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([name]) => /^Fn/.test(name));
  expect(policies).toHaveLength(1);
  const [[id, { Properties }]] = policies as [[string, Policy]];
  const waits = Object.values(template.findResources('AWS::Lambda::Function')).flatMap(({ DependsOn }) => DependsOn);
  return { id, name: Properties.PolicyName, waits };
}

test('a deployment that changes a permission adds a policy beside the old one, which CloudFormation deletes at its end', () => {
  const before = policyWith(['dynamodb:GetItem']);
  expect(policyWith(['dynamodb:GetItem'])).toEqual(before);
  for (const after of [policyWith(['dynamodb:PutItem']), policyWith(['dynamodb:GetItem'], 'arn:other')]) {
    expect(after.id).not.toBe(before.id);
    expect(after.name).not.toBe(before.name);
    expect(after.waits).toContain(after.id);
  }
});

test('both policies of a role fit beside each other', () => {
  const prod = new SynthesizedTemplate('prod');
  // IAM counts the characters of all inline policies of a role, without whitespace.
  const limit = 10_240;
  for (const [handler] of prod.functions()) {
    const size = JSON.stringify(prod.statementsOf(handler)).length;
    expect([handler, size * 2 < limit]).toEqual([handler, true]);
  }
});
