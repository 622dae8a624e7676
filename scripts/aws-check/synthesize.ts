import { App } from 'aws-cdk-lib';
import type { HandlerName } from '../../lib/handlers.ts';
import { RollcallStack } from '../../lib/rollcall-stack.ts';
import { type Sizes, sizes } from '../../lib/settings.ts';
import type { Template } from './template.ts';

/** One way to deploy the stack. */
export interface Variant {
  name: string;
  sizes: Sizes;
  /** The environment of the synthesis. */
  environment?: Record<string, string>;
}

const identity = { JWT_ISSUER: 'https://login.example.com/', JWT_AUDIENCE: 'rollcall' };

/** Both environments, and each option of `lib/settings.ts` the other way round. */
export const variants: readonly Variant[] = [
  { name: 'dev', sizes: sizes.dev },
  { name: 'prod', sizes: sizes.prod },
  { name: 'dev with an identity provider', sizes: sizes.dev, environment: identity },
  {
    name: 'prod with an identity provider and the role for logs that the account has',
    sizes: sizes.prod,
    environment: { ...identity, JWKS_URI: 'https://login.example.com/keys', ACCOUNT_LOG_ROLE: 'existing' },
  },
  { name: 'dev with alarms', sizes: { ...sizes.dev, alarms: true } },
  { name: 'prod without alarms', sizes: { ...sizes.prod, alarms: false } },
  { name: 'dev with reserved concurrency', sizes: { ...sizes.dev, concurrency: sizes.prod.concurrency } },
  { name: 'prod without reserved concurrency', sizes: { ...sizes.prod, concurrency: undefined } },
  ...(['multiAz', 'protected', 'rotatePassword'] as const).flatMap((option) => [
    withDatabase('dev', option, true),
    withDatabase('prod', option, false),
  ]),
];

function withDatabase(
  name: 'dev' | 'prod',
  option: 'multiAz' | 'protected' | 'rotatePassword',
  value: boolean,
): Variant {
  const database = { ...sizes[name].database, [option]: value };
  return { name: `${name} with database.${option} = ${value}`, sizes: { ...sizes[name], database } };
}

/** Makes the stack of a variant. */
export function createStack(
  variant: Omit<Variant, 'name'>,
  bundleOf: (handler: HandlerName) => string,
  app = new App({ analyticsReporting: false }),
): RollcallStack {
  return new RollcallStack(app, 'Rollcall', {
    sizes: variant.sizes,
    environment: variant.environment ?? {},
    bundleOf,
  });
}

/** The template of a variant. */
export function synthesize(variant: Omit<Variant, 'name'>, bundleOf: (handler: HandlerName) => string): Template {
  const app = new App({ analyticsReporting: false });
  createStack(variant, bundleOf, app);
  return app.synth().getStackByName('Rollcall').template as Template;
}
