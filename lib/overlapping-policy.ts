import { Aspects, type IAspect, Stack } from 'aws-cdk-lib';
import { CfnPolicy, type Role } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { digestOf } from './content-name.ts';

/**
 * Names the policy of a role after its content. A deployment that changes a permission then creates a policy beside the old one.
 * CloudFormation deletes what left the template at its end, after all functions are replaced, or deletes the new policy if it
 * rolls back. So old code keeps its permissions as long as it runs. If the policy were changed in place, old code could lose a
 * permission minutes before it is replaced.
 */
export function overlapPolicy(role: Role): void {
  Aspects.of(role).add(new ContentNamedPolicy());
}

class ContentNamedPolicy implements IAspect {
  visit(node: IConstruct): void {
    if (!(node instanceof CfnPolicy)) return;
    const stack = Stack.of(node);
    const digest = digestOf(stack.resolve(node.policyDocument));
    const logicalId: string = stack.resolve(node.logicalId);
    node.overrideLogicalId(`${logicalId}${digest}`);
    node.policyName = `${logicalId}${digest}`;
  }
}
