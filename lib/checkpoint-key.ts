import { RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** The asymmetric key that signs the checkpoints of the audit trail. Nobody can export its private part. */
export class CheckpointKey extends Construct {
  readonly key: kms.Key;

  /** @param retained whether deleting the stack keeps the key. */
  constructor(scope: Construct, id: string, retained: boolean) {
    super(scope, id);
    this.key = new kms.Key(this, 'Key', {
      description: 'Signs the checkpoints of the audit trail',
      keySpec: kms.KeySpec.ECC_NIST_P256,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy: retained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }

  /** Permits signing and reading the public key, and sets the variable with the key's address. */
  grantAccess(fn: RollcallFunction): void {
    fn.allow(['kms:Sign', 'kms:GetPublicKey'], [this.key.keyArn]);
    fn.setVariable(environmentNames.checkpointKeyArn, this.key.keyArn);
  }
}
