import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

export interface WebhooksProps {
  /** Signs what is due and notes the answers. */
  sweep: RollcallFunction;
  /** Posts from outside of the VPC. */
  sender: RollcallFunction;
  /** Whether deleting the stack keeps the key. */
  retained: boolean;
}

/**
 * What webhooks need besides the database: the key that encrypts the secrets of endpoints, and who may call whom. The sender may use
 * nothing but its log.
 */
export class Webhooks extends Construct {
  private readonly key: secretsmanager.Secret;
  private readonly sweep: RollcallFunction;

  constructor(scope: Construct, id: string, { sweep, sender, retained }: WebhooksProps) {
    super(scope, id);
    this.sweep = sweep;
    this.key = new secretsmanager.Secret(this, 'Key', {
      description: 'Encrypts the secrets of webhooks',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: retained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'With a new key the stored secrets could not be read; replace it by hand if it leaks, and rotate all secrets.',
    });
    this.grantKey(sweep);
    sweep.allow(['lambda:InvokeFunction'], [sender.invoked.functionArn]);
    sweep.setVariable(environmentNames.webhookSenderFunction, sender.invoked.functionName);
    this.limitTargets(sender);
    // The next look of a timeout sweep does the work of a run that failed.
    sweep.invoked.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  }

  /** Permits starting the sweep, and sets the variable with its name. */
  grantStart(fn: RollcallFunction): void {
    fn.allow(['lambda:InvokeFunction'], [this.sweep.invoked.functionArn]);
    fn.setVariable(environmentNames.webhookSweepFunction, this.sweep.invoked.functionName);
  }

  /** Permits encrypting secrets, and sets the variables for the management of endpoints. */
  grantManagement(fn: RollcallFunction): void {
    this.grantKey(fn);
    this.grantStart(fn);
    this.limitTargets(fn);
  }

  private grantKey(fn: RollcallFunction): void {
    fn.allow(['secretsmanager:GetSecretValue'], [this.key.secretArn]);
    fn.setVariable(environmentNames.webhookKeyArn, this.key.secretArn);
  }

  private limitTargets(fn: RollcallFunction): void {
    fn.setVariable(environmentNames.webhookTargets, 'public');
  }
}
