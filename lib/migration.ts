import { Duration } from 'aws-cdk-lib';
import { InvocationType, Trigger } from 'aws-cdk-lib/triggers';
import { Construct } from 'constructs';
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
    props: { migrate: RollcallFunction; after: Construct[]; before: RollcallFunction[] },
  ) {
    super(scope, id);
    new Trigger(this, 'Trigger', {
      handler: props.migrate.function,
      invocationType: InvocationType.REQUEST_RESPONSE,
      timeout: Duration.seconds(handlers.migrate.timeoutSeconds),
      executeAfter: props.after,
      executeBefore: props.before.map((fn) => fn.function),
    });
  }
}
