import { handlerNames } from '../../lib/handlers.ts';
import { sizes, withGradualDeployment } from '../../lib/settings.ts';
import { createStack } from '../../scripts/aws-check/synthesize.ts';
import { emptyBundle, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const prod = new SynthesizedTemplate('prod');
const movedFunctions = handlerNames.filter((name) => name !== 'migrate');

/** The handler of an alias or of a deployment group, by the function behind it. */
function groups(): Map<string, Record<string, unknown>> {
  const aliases = new Map(prod.ofType('AWS::Lambda::Alias').map(([id, alias]) => [id, alias]));
  return new Map(
    [...aliases.values()].map((alias) => {
      const { Ref: functionId } = alias.Properties['FunctionName'] as { Ref: string };
      const handler = [...prod.functions()].find(([, fn]) => fn === prod.resources[functionId])![0];
      const policy = (alias as unknown as { UpdatePolicy: Record<string, Record<string, unknown>> }).UpdatePolicy;
      const { Ref: groupId } = policy['CodeDeployLambdaAliasUpdate']!['DeploymentGroupName'] as { Ref: string };
      return [handler, prod.resources[groupId]!.Properties];
    }),
  );
}

test('in prod every function but the migrations moves to new code by a tenth a minute', () => {
  expect([...groups().keys()].sort()).toEqual([...movedFunctions].sort());
  for (const group of groups().values()) {
    expect(group['DeploymentConfigName']).toBe('CodeDeployDefault.LambdaLinear10PercentEvery1Minute');
  }
});

test.each(movedFunctions)('the alarm of %s moves its calls back to the old code', (handler) => {
  const group = groups().get(handler)!;
  const alarms = (group['AlarmConfiguration'] as { Alarms: { Name: { Ref: string } }[] }).Alarms;
  const watched = alarms.map(({ Name }) => prod.resources[Name.Ref]!.Properties['AlarmDescription']);
  expect(watched).toEqual([expect.stringContaining(`The function ${handler} `)]);
  expect(group['AutoRollbackConfiguration']).toEqual({
    Enabled: true,
    Events: expect.arrayContaining(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM']),
  });
});

test('routes, the authorizer, schedules and other functions call the alias', () => {
  const aliasOf = prod.ofType('AWS::Lambda::Alias').map(([id, { Properties }]) => {
    return [id, (Properties['FunctionName'] as { Ref: string }).Ref] as const;
  });
  const types = ['ApiGatewayV2::Integration', 'ApiGatewayV2::Authorizer', 'Events::Rule'];
  const callers = types.flatMap((type) => prod.ofType(`AWS::${type}`));
  const uris = callers.filter(([, { Properties }]) => JSON.stringify(Properties).includes('Function'));
  expect(uris.length).toBeGreaterThan(movedFunctions.length);
  for (const [id, { Properties }] of uris) {
    const text = JSON.stringify(Properties);
    expect([id, aliasOf.some(([alias]) => text.includes(`"${alias}"`))]).toEqual([id, true]);
    expect([id, aliasOf.some(([, fn]) => text.includes(`"${fn}"`))]).toEqual([id, false]);
  }
  expect(JSON.stringify(prod.environmentOf('session')['TIMEOUT_SWEEP_FUNCTION'])).toContain(
    '"TimeoutSweepFunctionAlias',
  );
});

test('dev replaces the code at once', () => {
  dev.template.resourceCountIs('AWS::Lambda::Alias', 0);
  dev.template.resourceCountIs('AWS::CodeDeploy::DeploymentGroup', 0);
});

test('the context decides for either environment', () => {
  expect(withGradualDeployment(sizes.prod, 'false').gradualDeployment).toBe(false);
  expect(withGradualDeployment(sizes.dev, 'true').gradualDeployment).toBe(true);
  expect(withGradualDeployment(sizes.prod, undefined)).toBe(sizes.prod);
  expect(() => withGradualDeployment(sizes.dev, 'soon')).toThrow('gradual is "soon"; set it to true or false.');
});

test('a gradual deployment without alarms, which could not go back by itself, is refused', () => {
  const chosen = { ...sizes.dev, gradualDeployment: true };
  expect(() => createStack({ sizes: chosen }, () => emptyBundle)).toThrow(
    'A gradual deployment goes back when an alarm fires; set alarms, or switch gradualDeployment off.',
  );
});
