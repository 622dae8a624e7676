import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** The shortest schedule of EventBridge; finer work is done inside the run. */
const minuteMillis = 60_000;

export interface SweepsProps {
  timeoutSweep: RollcallFunction;
  cleanupSweep: RollcallFunction;
  cleanupIntervalMillis: number;
}

/** What runs by the clock. A run that fails is not repeated: the next one does its work. */
export class Sweeps extends Construct {
  private readonly timeoutSweep: RollcallFunction;

  constructor(scope: Construct, id: string, props: SweepsProps) {
    super(scope, id);
    this.timeoutSweep = props.timeoutSweep;
    const cleanupMinutes = Math.max(1, Math.floor(props.cleanupIntervalMillis / minuteMillis));
    this.schedule('Timeout', props.timeoutSweep, Duration.minutes(1));
    this.schedule('Cleanup', props.cleanupSweep, Duration.minutes(cleanupMinutes));
    props.timeoutSweep.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    this.letSweepCallAnother();
  }

  /** Lets the function wake the timeout sweep before its next minute. */
  grantAccess(fn: RollcallFunction): void {
    fn.allow(['lambda:InvokeFunction'], [this.timeoutSweep.function.functionArn]);
    fn.setVariable(environmentNames.timeoutSweepFunction, this.timeoutSweep.function.functionName);
  }

  /**
   * A sweep with too much to do starts another one. It knows its own name from the runtime; the policy stands apart from
   * the role, on which the function itself depends.
   */
  private letSweepCallAnother(): void {
    const { function: fn } = this.timeoutSweep;
    const statement = new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [fn.functionArn] });
    new iam.Policy(this, 'CallAnother', { roles: [fn.role!], statements: [statement] });
  }

  private schedule(id: string, fn: RollcallFunction, every: Duration): void {
    const target = new LambdaFunction(fn.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new events.Rule(this, id, {
      description: `Runs ${fn.handler} every ${every.toMinutes()} minutes`,
      schedule: events.Schedule.rate(every),
      targets: [target],
    });
  }
}
