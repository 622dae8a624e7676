import { Validations } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** The key that signs invites. A new key makes every open invite void, so it does not change by itself. */
export class InviteSecret extends Construct {
  private readonly secret: secretsmanager.Secret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.secret = new secretsmanager.Secret(this, 'Secret', {
      description: 'Signs invites',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'A new key would make every open invite void; replace it by hand when it leaked.',
    });
  }

  /** Lets the function read the key and tells it where it is. */
  grantAccess(fn: RollcallFunction): void {
    fn.allow(['secretsmanager:GetSecretValue'], [this.secret.secretArn]);
    fn.setVariable(environmentNames.inviteSecretArn, this.secret.secretArn);
  }
}
