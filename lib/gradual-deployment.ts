import { Validations } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as codedeploy from 'aws-cdk-lib/aws-codedeploy';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { HandlerName } from './handlers.ts';
import type { RollcallFunction } from './lambda-function.ts';

const policyName = 'service-role/AWSCodeDeployRoleForLambdaLimited';

/**
 * Moves each function to its new version by a tenth of the calls a minute. If the alarm of the function fires meanwhile, all
 * calls go to the old version again and the deployment fails.
 */
export class GradualDeployment extends Construct {
  /**
   * @param alarms the alarms of the functions, by their handlers.
   * @throws Error with a sentence for the user if a function with an alias has no alarm.
   */
  constructor(
    scope: Construct,
    id: string,
    functions: readonly RollcallFunction[],
    alarms: ReadonlyMap<HandlerName, cloudwatch.Alarm>,
  ) {
    super(scope, id);
    const application = new codedeploy.LambdaApplication(this, 'Application');
    const role = this.createRole();
    for (const { handler, alias } of functions) {
      if (!alias) continue;
      const alarm = alarms.get(handler);
      if (!alarm) {
        throw new Error(
          'A gradual deployment goes back when an alarm fires; set alarms, or switch gradualDeployment off.',
        );
      }
      new codedeploy.LambdaDeploymentGroup(this, handler, {
        ...{ application, role, alias },
        deploymentConfig: codedeploy.LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_1MINUTE,
        alarms: [alarm],
        autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
      });
    }
  }

  /** One role serves all groups. The CDK would create one for each. */
  private createRole(): iam.Role {
    const role = new iam.Role(this, 'Role', {
      description: 'Lets CodeDeploy move the aliases of the functions and read their alarms',
      assumedBy: new iam.ServicePrincipal('codedeploy.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName(policyName)],
    });
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policyName}]`,
      reason: 'AWS keeps this policy for deployments of functions; it cannot change their code.',
    });
    return role;
  }
}
