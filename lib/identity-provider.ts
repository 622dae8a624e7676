import { CfnParameter } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { defaultAccessClaim } from '../protocol/access-claim.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** Who signs the tokens. */
export interface Identity {
  /** The `iss` claim of the tokens, an https address. */
  issuer?: string;
  /** The `aud` claim of tokens for this application, or `client_id` if they have no `aud`. */
  audience?: string;
  /** The address of the public keys (JWKS). Default: `<issuer>/.well-known/jwks.json`. */
  jwksUri?: string;
  /** The name of the access claim. Default: `rollcall`. */
  accessClaim?: string;
}

/** The identity provider that the environment of the synthesis names. */
export function identityOf(environment: Record<string, string | undefined>): Identity {
  const chosen = (name: string) => environment[name]?.trim() || undefined;
  return {
    issuer: chosen(environmentNames.jwtIssuer),
    audience: chosen(environmentNames.jwtAudience),
    jwksUri: chosen(environmentNames.jwksUri),
    accessClaim: chosen(environmentNames.jwtAccessClaim),
  };
}

/**
 * The identity provider that signs the tokens.
 *
 * Values that are known at the synthesis are in the template. They must not be defaults of parameters: a deployment keeps
 * the previous value of a parameter, so a changed default would have no effect. Only what is not known becomes a
 * parameter.
 */
export class IdentityProvider extends Construct {
  readonly issuer: string;
  readonly audience: string;
  private readonly jwksUri: string;
  private readonly accessClaim: string;

  constructor(scope: Construct, id: string, { issuer, audience, jwksUri, accessClaim }: Identity) {
    super(scope, id);
    this.issuer = issuer ?? this.parameter('JwtIssuer', 'The "iss" claim of the tokens, an https address');
    this.audience =
      audience ??
      this.parameter(
        'JwtAudience',
        'The "aud" claim of tokens for this application ("client_id" if they have no "aud")',
      );
    // An empty address means the one that follows from the issuer. With an issuer in the template it is always empty, so
    // that it changes together with the issuer.
    this.jwksUri =
      jwksUri ??
      (issuer === undefined
        ? this.parameter('JwksUri', 'The address of the public keys (JWKS); empty: <issuer>/.well-known/jwks.json', '')
        : '');
    this.accessClaim = accessClaim ?? defaultAccessClaim;
  }

  /** Sets the variables of the identity provider. The function needs no permission, because the keys are public. */
  grantAccess(fn: RollcallFunction): void {
    fn.setVariable(environmentNames.jwtIssuer, this.issuer);
    fn.setVariable(environmentNames.jwtAudience, this.audience);
    fn.setVariable(environmentNames.jwksUri, this.jwksUri);
    this.grantClaims(fn);
  }

  /** Sets the variables for a function that reads tokens that API Gateway has verified. */
  grantClaims(fn: RollcallFunction): void {
    fn.setVariable(environmentNames.jwtAccessClaim, this.accessClaim);
  }

  private parameter(name: string, description: string, emptyDefault?: ''): string {
    const rule = emptyDefault === undefined ? { minLength: 1 } : { default: emptyDefault };
    const parameter = new CfnParameter(this, name, { type: 'String', description, ...rule });
    parameter.overrideLogicalId(name);
    return parameter.valueAsString;
  }
}
