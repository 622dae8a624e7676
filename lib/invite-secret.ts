import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** The key that signs invites. A new key makes all open invites invalid, so the key is not rotated automatically. */
export class InviteSecret extends Construct {
  private readonly secret: secretsmanager.Secret;

  /** @param retained whether deleting the stack keeps the key. */
  constructor(scope: Construct, id: string, retained: boolean) {
    super(scope, id);
    this.secret = new secretsmanager.Secret(this, 'Secret', {
      description: 'Signs invites',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: retained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'A new key would make all open invites invalid; replace it by hand if it leaks.',
    });
  }

  /** Permits reading the key and sets the variable with its address. */
  grantAccess(fn: RollcallFunction): void {
    fn.allow(['secretsmanager:GetSecretValue'], [this.secret.secretArn]);
    fn.setVariable(environmentNames.inviteSecretArn, this.secret.secretArn);
  }
}
