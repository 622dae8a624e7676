import { rmSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { HandlerName } from '../../lib/handlers.ts';
import { RollcallStack } from '../../lib/rollcall-stack.ts';
import { type BudgetProps, type Sizes, sizes } from '../../lib/settings.ts';
import type { UserPoolProps } from '../../lib/user-pool.ts';
import type { Template } from './template.ts';

/** One variant of the deployment. */
export interface Variant {
  name: string;
  sizes: Sizes;
  /** The environment of the synthesis. */
  environment?: Record<string, string>;
  /** A user pool to create. */
  userPool?: UserPoolProps;
  /** A cost budget of the account. */
  budget?: BudgetProps;
  /** Creates the VPC of the variant. */
  vpc?: (app: App) => ec2.IVpc;
}

const identity = { JWT_ISSUER: 'https://login.example.com/', JWT_AUDIENCE: 'rollcall' };

/** Both environments, and each option of `lib/settings.ts` with its other value. */
export const variants: readonly Variant[] = [
  { name: 'dev', sizes: sizes.dev },
  { name: 'prod', sizes: sizes.prod },
  { name: 'dev with an identity provider', sizes: sizes.dev, environment: identity },
  {
    name: 'prod with an identity provider and the role for logs that the account has',
    sizes: sizes.prod,
    environment: { ...identity, JWKS_URI: 'https://login.example.com/keys', ACCOUNT_LOG_ROLE: 'existing' },
  },
  { name: 'prod with a user pool', sizes: sizes.prod, userPool: {} },
  { name: 'prod in a VPC that exists', sizes: sizes.prod, vpc: existingVpc },
  {
    name: 'prod in a VPC of another stack of the app',
    sizes: sizes.prod,
    vpc: (app) => new ec2.Vpc(new Stack(app, 'Network'), 'Vpc', { maxAzs: 2 }),
  },
  {
    name: 'dev with a budget, all logs and metrics, and restricted handshakes',
    sizes: { ...sizes.dev, platformLogs: true, detailedMetrics: true },
    environment: { ALLOWED_ORIGINS: 'https://app.example.com', TOKENS_IN_URL: 'false' },
    budget: { dollarsPerMonth: 500, email: 'ops@example.com' },
  },
  { name: 'prod with traces', sizes: { ...sizes.prod, tracing: true } },
  { name: 'dev with alarms', sizes: { ...sizes.dev, alarms: true } },
  {
    name: 'prod without alarms and gradual deployment',
    sizes: { ...sizes.prod, alarms: false, gradualDeployment: false },
  },
  { name: 'prod without gradual deployment', sizes: { ...sizes.prod, gradualDeployment: false } },
  {
    name: 'dev with alarms and gradual deployment',
    sizes: { ...sizes.dev, alarms: true, gradualDeployment: true },
  },
  {
    name: 'dev with reserved concurrency and a bound of the bill',
    sizes: { ...sizes.dev, concurrency: sizes.prod.concurrency, database: { ...sizes.dev.database, size: 'medium' } },
    environment: { MAX_DOLLARS_PER_HOUR: '5' },
  },
  { name: 'prod without reserved concurrency', sizes: { ...sizes.prod, concurrency: undefined } },
  ...(['multiAz', 'protected', 'rotatePassword'] as const).flatMap((option) => [
    withDatabase('dev', option, true),
    withDatabase('prod', option, false),
  ]),
];

/** A VPC as an app imports it: with ids and without isolated subnets. */
function existingVpc(app: App): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(new Stack(app, 'Network'), 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    publicSubnetIds: ['subnet-1', 'subnet-2'],
    privateSubnetIds: ['subnet-3', 'subnet-4'],
  });
}

function withDatabase(
  name: 'dev' | 'prod',
  option: 'multiAz' | 'protected' | 'rotatePassword',
  value: boolean,
): Variant {
  const database = { ...sizes[name].database, [option]: value };
  return { name: `${name} with database.${option} = ${value}`, sizes: { ...sizes[name], database } };
}

/** Synthesizes the stack of a variant. */
export function createStack(
  variant: Omit<Variant, 'name'>,
  bundleOf: (handler: HandlerName) => string,
  app = new App({ analyticsReporting: false }),
): RollcallStack {
  return new RollcallStack(app, 'Rollcall', {
    sizes: variant.sizes,
    environment: variant.environment ?? {},
    bundleOf,
    vpc: variant.vpc?.(app),
    userPool: variant.userPool,
    ...(variant.budget ? { budget: variant.budget } : {}),
  });
}

/** Returns the template of a variant. */
export function synthesize(variant: Omit<Variant, 'name'>, bundleOf: (handler: HandlerName) => string): Template {
  const app = new App({ analyticsReporting: false });
  createStack(variant, bundleOf, app);
  const assembly = app.synth();
  const { template } = assembly.getStackByName('Rollcall');
  rmSync(assembly.directory, { recursive: true });
  return template as Template;
}
