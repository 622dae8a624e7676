import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { App, Stack } from 'aws-cdk-lib';
import { bundleHandlers } from '../../lib/bundle.ts';
import { Rollcall, type RollcallProps } from '../../lib/rollcall.ts';
import { resourcesOf, type Template } from '../../scripts/aws-check/template.ts';
import { usesOfBundles } from '../../scripts/aws-check/uses.ts';
import { emptyBundle } from './support.ts';

/** What `checkTemplate` needs besides a template. */
export const knowledge = { spec: loadAwsServiceSpecSync(), uses: usesOfBundles(bundleHandlers().metafile) };
/** The least that a Rollcall needs. */
export const required: RollcallProps = {
  identity: { issuer: 'https://login.example.com/', audience: 'rollcall' },
  bundleOf: () => emptyBundle,
};

/** The environment variables of the function with this description. */
export function variablesOf(template: Template, description: string): Record<string, unknown> {
  const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([, properties]) => properties);
  const { Environment } = functions.find(({ Description }) => Description === description)!;
  return (Environment as { Variables: Record<string, unknown> }).Variables;
}

/** The template of a stack of somebody's app that has a Rollcall among other things. */
export function templateWith(
  make: (stack: Stack) => Partial<RollcallProps>,
  use = (_: Rollcall, __: Stack) => {},
): Template {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Shop');
  use(new Rollcall(stack, 'Presence', { ...required, ...make(stack) }), stack);
  return app.synth().getStackByName('Shop').template;
}
