import { App } from 'aws-cdk-lib';
import { bundleHandlers } from '../lib/bundle.ts';
import { RollcallStack } from '../lib/rollcall-stack.ts';
import {
  readBudget,
  readDeploymentName,
  readEnvironmentName,
  readFlag,
  sizes,
  withGradualDeployment,
} from '../lib/settings.ts';
import { checkSettings } from '../protocol/settings.ts';

/**
 * The CDK app. `-c environment=prod` or `ROLLCALL_ENVIRONMENT=prod` chooses the sizes, and `-c name=` names the stack, so that
 * an account can have several. `-c cognito=true` adds a user pool, and `-c budgetDollars=` with `-c budgetEmail=` a budget.
 * `-c gradual=true` or `=false` chooses how a deployment replaces the code. The app names no account and no region, so one template
 * serves all: `cdk deploy` takes both from the credentials, and the local stack needs neither.
 */
const app = new App({ analyticsReporting: false, autoSynth: false });
try {
  checkSettings(process.env);
  const name = readEnvironmentName(app.node.tryGetContext('environment') ?? process.env['ROLLCALL_ENVIRONMENT']);
  const own = readDeploymentName(app.node.tryGetContext('name'));
  const flag = (key: string) => readFlag(key, app.node.tryGetContext(key));
  const budget = readBudget(app.node.tryGetContext('budgetDollars'), app.node.tryGetContext('budgetEmail'));
  new RollcallStack(app, 'Rollcall', {
    stackName: name === 'dev' ? own : `${own}-${name}`,
    description: 'Rollcall: presence, collaboration sessions, cursors and an audit trail',
    sizes: {
      ...withGradualDeployment(sizes[name], app.node.tryGetContext('gradual')),
      platformLogs: flag('platformLogs'),
      tracing: flag('tracing'),
      detailedMetrics: flag('detailedMetrics'),
    },
    environment: process.env,
    bundleOf: (handler) => bundleHandlers().directory(handler),
    ...(flag('cognito') ? { userPool: {} } : {}),
    ...(budget ? { budget } : {}),
    terminationProtection: sizes[name].database.protected,
  });
  app.synth();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
