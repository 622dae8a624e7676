import { type CfnResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import { InvocationType, Trigger } from 'aws-cdk-lib/triggers';
import { Construct, type IConstruct } from 'constructs';
import { handlers } from './handlers.ts';
import type { RollcallFunction } from './lambda-function.ts';

/**
 * Runs the migrations in each deployment that changes them or their function. They run after the database exists and
 * before any function that uses it is replaced, so new code never meets an old schema. If a migration fails, the
 * deployment rolls back.
 */
export class Migration extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: { migrate: RollcallFunction; after: IConstruct[]; before: RollcallFunction[]; logRetentionDays: number },
  ) {
    super(scope, id);
    new Trigger(this, 'Trigger', {
      handler: props.migrate.function,
      invocationType: InvocationType.REQUEST_RESPONSE,
      timeout: Duration.seconds(handlers.migrate.timeoutSeconds),
      // The function needs its own rules too: without its egress rule it cannot reach the database.
      executeAfter: [props.migrate, ...props.after] as Construct[],
      executeBefore: props.before.map((fn) => fn.function),
    });
    this.limitLogOfProvider(props.logRetentionDays);
  }

  /** The CDK adds a function that starts the migrations. Lambda would keep its log for ever. */
  private limitLogOfProvider(retention: number): void {
    const log = new logs.LogGroup(this, 'ProviderLog', { retention, removalPolicy: RemovalPolicy.DESTROY });
    const provider = Stack.of(this).node.findChild('AWSCDK.TriggerCustomResourceProviderCustomResourceProvider');
    const fn = provider.node.findChild('Handler') as CfnResource;
    fn.addPropertyOverride('LoggingConfig.LogGroup', log.logGroupName);
  }
}
