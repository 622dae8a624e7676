import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** The shortest interval that EventBridge schedules. A run itself works in shorter intervals. */
const minuteMillis = 60_000;

export interface SweepsProps {
  timeoutSweep: RollcallFunction;
  cleanupSweep: RollcallFunction;
  cleanupIntervalMillis: number;
}

/** The schedules. A failed run is not retried, because the next run does its work. */
export class Sweeps extends Construct {
  private readonly timeoutSweep: RollcallFunction;

  constructor(scope: Construct, id: string, props: SweepsProps) {
    super(scope, id);
    this.timeoutSweep = props.timeoutSweep;
    const cleanupMinutes = Math.max(1, Math.floor(props.cleanupIntervalMillis / minuteMillis));
    this.schedule('Timeout', props.timeoutSweep, Duration.minutes(1));
    this.schedule('Cleanup', props.cleanupSweep, Duration.minutes(cleanupMinutes));
    props.timeoutSweep.invoked.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    this.letSweepCallAnother();
  }

  /** Permits the function to start a timeout sweep before the next scheduled one. */
  grantAccess(fn: RollcallFunction): void {
    fn.allow(['lambda:InvokeFunction'], [this.timeoutSweep.invoked.functionArn]);
    fn.setVariable(environmentNames.timeoutSweepFunction, this.timeoutSweep.invoked.functionName);
  }

  /**
   * Permits the sweep to invoke itself, because an overloaded sweep starts another one. This needs a separate policy:
   * the function depends on its role, so the role cannot refer to the function.
   */
  private letSweepCallAnother(): void {
    const { function: fn, invoked } = this.timeoutSweep;
    const statement = new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [invoked.functionArn] });
    new iam.Policy(this, 'CallAnother', { roles: [fn.role!], statements: [statement] });
  }

  private schedule(id: string, fn: RollcallFunction, every: Duration): void {
    const target = new LambdaFunction(fn.invoked, { retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new events.Rule(this, id, {
      description: `Runs ${fn.handler} every ${every.toMinutes()} minutes`,
      schedule: events.Schedule.rate(every),
      targets: [target],
    });
  }
}
