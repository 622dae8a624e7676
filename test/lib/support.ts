import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { RollcallStack } from '../../lib/rollcall-stack.ts';
import { type EnvironmentName, sizes } from '../../lib/settings.ts';
import { createStack as createVariant } from '../../scripts/aws-check/synthesize.ts';

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string[];
  DeletionPolicy?: string;
}

/** A placeholder for all bundles, because these tests do not depend on the code of the handlers. */
export const emptyBundle = mkdtempSync(join(tmpdir(), 'rollcall-template-test-'));
writeFileSync(join(emptyBundle, 'index.mjs'), 'export const handler = async () => {};');
afterAll(() => rmSync(emptyBundle, { recursive: true, force: true }));

export function createStack(
  name: EnvironmentName = 'dev',
  environment: Record<string, string> = {},
  app = new App({ analyticsReporting: false }),
): RollcallStack {
  return createVariant({ sizes: sizes[name], environment }, () => emptyBundle, app);
}

// Only the synthesis test validates the template against CloudFormation's schema.
process.env['CDK_VALIDATION'] = 'false';

/** Functions that CDK itself adds: the provider that runs the migrations. */
export const foreignFunctions = ['AWSCDKTriggerCustomResourceProvider'];

/** The template of an environment, with queries for the tests. */
export class SynthesizedTemplate {
  readonly template: Template;
  readonly resources: Record<string, Resource>;

  constructor(name: EnvironmentName = 'dev', environment: Record<string, string> = {}) {
    this.template = Template.fromStack(createStack(name, environment));
    this.resources = this.template.toJSON()['Resources'] as Record<string, Resource>;
  }

  ofType(type: string): [id: string, resource: Resource][] {
    return Object.entries(this.resources).filter(([, resource]) => resource.Type === type);
  }

  /** The functions by the name of their handler, `timeout-sweep`. */
  functions(): Map<string, Resource> {
    const own = this.ofType('AWS::Lambda::Function').filter(([id]) => !foreignFunctions.some((f) => id.startsWith(f)));
    return new Map(own.map(([id, resource]) => [handlerOf(id), resource]));
  }

  environmentOf(handler: string): Record<string, unknown> {
    const environment = this.functions().get(handler)?.Properties['Environment'] as { Variables: object } | undefined;
    return { ...environment?.Variables };
  }

  /** Every statement of the role of a function, inline or attached. */
  statementsOf(handler: string): Statement[] {
    const role = this.functions().get(handler)?.Properties['Role'] as { 'Fn::GetAtt': [string, string] };
    return this.statementsOfRole(role['Fn::GetAtt'][0]);
  }

  statementsOfRole(roleId: string): Statement[] {
    type Policy = { PolicyDocument: { Statement: Statement[] } };
    const inline = (this.resources[roleId]?.Properties['Policies'] ?? []) as Policy[];
    const attached = this.ofType('AWS::IAM::Policy')
      .filter(([, policy]) => JSON.stringify(policy.Properties['Roles']).includes(`"${roleId}"`))
      .map(([, policy]) => policy.Properties as unknown as Policy);
    return [...inline, ...attached].flatMap((policy) => policy.PolicyDocument.Statement);
  }
}

export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
}

export function listed<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** `TimeoutSweepFunction4831E062` is `timeout-sweep`. */
function handlerOf(logicalId: string): string {
  const words = logicalId.replace(/Function.*$/, '');
  return words.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
}

/** A separate stack for a construct that needs no function. */
export function emptyStack(): Stack {
  return new Stack(new App({ analyticsReporting: false }), 'Test');
}
