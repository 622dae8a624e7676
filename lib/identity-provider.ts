import { CfnParameter } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/**
 * The identity provider that signs the tokens. The stack has three parameters for it; their defaults come from the
 * environment of the synthesis.
 */
export class IdentityProvider extends Construct {
  readonly issuer: string;
  readonly audience: string;
  private readonly jwksUri: string;

  constructor(scope: Construct, id: string, environment: Record<string, string | undefined>) {
    super(scope, id);
    const chosen = (name: string) => environment[name]?.trim() || undefined;
    const issuer = chosen(environmentNames.jwtIssuer);
    const composed = issuer === undefined ? undefined : `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`;
    this.issuer = this.parameter('JwtIssuer', issuer, 'The "iss" claim of the tokens, an https address');
    this.audience = this.parameter(
      'JwtAudience',
      chosen(environmentNames.jwtAudience),
      'The "aud" claim of tokens for this application',
    );
    this.jwksUri = this.parameter(
      'JwksUri',
      chosen(environmentNames.jwksUri) ?? composed,
      'The address of the public keys (JWKS) of the issuer',
    );
  }

  /** Sets the variables of the identity provider. The function needs no permission, because the keys are public. */
  grantAccess(fn: RollcallFunction): void {
    fn.setVariable(environmentNames.jwtIssuer, this.issuer);
    fn.setVariable(environmentNames.jwtAudience, this.audience);
    fn.setVariable(environmentNames.jwksUri, this.jwksUri);
  }

  private parameter(name: string, defaultValue: string | undefined, description: string): string {
    const parameter = new CfnParameter(this, name, {
      type: 'String',
      description,
      minLength: 1,
      ...(defaultValue === undefined ? {} : { default: defaultValue }),
    });
    parameter.overrideLogicalId(name);
    return parameter.valueAsString;
  }
}
