import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { identityOf } from './identity-provider.ts';
import { Rollcall, type RollcallProps } from './rollcall.ts';
import { setsAccountLogRole } from './settings.ts';
import type { UserPoolProps } from './user-pool.ts';

export interface RollcallStackProps
  extends StackProps,
    Pick<RollcallProps, 'sizes' | 'bundleOf' | 'vpc' | 'alarmTopic' | 'budget'> {
  /**
   * The environment of the synthesis with the user's settings; see `protocol/timings.ts` and the parameters of the
   * stack.
   */
  environment: Record<string, string | undefined>;
  /** A user pool to create. Default: the identity provider that the environment names. */
  userPool?: UserPoolProps;
}

/**
 * A stack with nothing but a Rollcall. It takes the settings from the environment, and tells the addresses as outputs.
 *
 * @throws Error with a sentence for the user if a setting is invalid.
 */
export class RollcallStack extends Stack {
  readonly rollcall: Rollcall;

  constructor(scope: Construct, id: string, props: RollcallStackProps) {
    super(scope, id, props);
    const { sizes, environment, bundleOf, vpc, alarmTopic, budget, userPool: cognito } = props;
    // The CDK leaves this id out of logical ids.
    this.rollcall = new Rollcall(this, 'Default', {
      ...{ sizes, bundleOf, vpc, alarmTopic, budget },
      identity: cognito ? { cognito } : identityOf(environment),
      settings: environment,
      accountLogRole: setsAccountLogRole(environment),
    });
    const { webSocketApi, httpApi, checkpointKey, observability, userPool } = this.rollcall;
    this.tell('WebSocketUrl', webSocketApi.url, 'The address that clients connect to');
    this.tell('HttpUrl', httpApi.url, 'The HTTP API');
    this.tell('CheckpointKeyArn', checkpointKey.key.keyArn, 'The key that signs the checkpoints of the audit trail');
    if (userPool) {
      this.tell('UserPoolId', userPool.pool.userPoolId, 'The user pool');
      this.tell('UserPoolClientId', userPool.client.userPoolClientId, 'The client with which users sign in');
    }
    if (observability.alarmTopic) {
      const description = 'Subscribe an address to this topic to receive the alarms';
      this.tell('AlarmTopicArn', observability.alarmTopic.topicArn, description);
    }
  }

  private tell(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description });
  }
}
