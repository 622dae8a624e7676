import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import type { Identity } from './identity-provider.ts';

/** A user pool of Amazon Cognito that is created with the rest. */
export interface UserPoolProps {
  /** Whether people may register themselves. Default: false; an administrator creates the users. */
  selfSignUp?: boolean;
  /**
   * Pages to which the sign-in page of Cognito returns (authorization code with PKCE). It needs a domain too:
   * `userPool.pool.addDomain(…)`. Default: none; the application signs users in by itself (SRP).
   */
  callbackUrls?: string[];
}

/** A user pool and the client of the web application. Users sign in with their email address; ID tokens carry their name. */
export class UserPool extends Construct {
  /** The pool of the users. */
  readonly pool: cognito.UserPool;
  /** The client of the web application; its id is the audience of the tokens. */
  readonly client: cognito.UserPoolClient;
  /** What the rest takes the tokens from. The pool serves its keys below its issuer. */
  readonly identity: Identity;

  /** @param retained whether deleting the stack keeps the users. */
  constructor(scope: Construct, id: string, props: UserPoolProps, retained: boolean) {
    super(scope, id);
    const { selfSignUp = false, callbackUrls } = props;
    this.pool = new cognito.UserPool(this, 'Pool', {
      selfSignUpEnabled: selfSignUp,
      signInAliases: { email: true },
      autoVerify: { email: true },
      standardAttributes: { email: { required: true, mutable: true }, fullname: { required: true, mutable: true } },
      passwordPolicy: {
        ...{ minLength: 12, requireLowercase: true, requireUppercase: true, requireDigits: true, requireSymbols: true },
      },
      mfa: cognito.Mfa.OPTIONAL,
      mfaSecondFactor: { otp: true, sms: false },
      accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
      deletionProtection: retained,
      removalPolicy: retained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    this.client = this.pool.addClient('Web', {
      authFlows: { userSrp: true },
      // A page cannot keep a secret.
      generateSecret: false,
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      idTokenValidity: Duration.hours(1),
      accessTokenValidity: Duration.hours(1),
      ...(callbackUrls
        ? {
            oAuth: {
              flows: { authorizationCodeGrant: true },
              scopes: [cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
              callbackUrls,
            },
          }
        : { disableOAuth: true }),
    });
    this.identity = { issuer: this.pool.userPoolProviderUrl, audience: this.client.userPoolClientId };
    this.acknowledgeFindings();
  }

  private acknowledgeFindings(): void {
    const reasons = {
      'AwsSolutions-COG2': 'Each user may set up a second factor; who must have one is for the application to decide.',
      'AwsSolutions-COG8': 'Threat protection needs the plan Plus, which costs more for each user.',
    };
    for (const [id, reason] of Object.entries(reasons)) Validations.of(this).acknowledge({ id, reason });
  }
}
