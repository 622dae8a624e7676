import { type Finding, referencesIn, resourcesOf, type Template, targetOf } from './template.ts';

/** What invokes functions, or lets something invoke them. */
const invokers = [
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Authorizer',
  'AWS::Events::Rule',
  'AWS::Lambda::Permission',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::IAM::Role',
  'AWS::IAM::Policy',
];

/**
 * A function with an alias is invoked by the alias. A call of the function itself would reach the new code at once, before the
 * gradual deployment moves calls to it. `AWS::Lambda::EventInvokeConfig` names the alias by its qualifier.
 */
export function checkAliases(template: Template): Finding[] {
  const aliases = new Map(
    resourcesOf(template, 'AWS::Lambda::Alias').map(([id, { FunctionName }]) => [targetOf(FunctionName), id]),
  );
  const findings = resourcesOf(template, ...invokers).flatMap(([logicalId, properties]) => {
    if (properties['Qualifier'] !== undefined && properties['Qualifier'] !== '$LATEST') return [];
    const direct = referencesIn(properties).filter(({ target }) => aliases.has(target));
    return [...new Set(direct.map(({ target }) => target))].map((target) => ({
      logicalId,
      problem: `It invokes the function ${target}, whose calls are distributed by the alias ${aliases.get(target)}.`,
      nextStep: 'Use `invoked` of the function in lib/.',
    }));
  });
  return [...findings, ...withoutAlarm(template)];
}

/** A gradual deployment goes back by itself only if it watches an alarm. */
function withoutAlarm(template: Template): Finding[] {
  return resourcesOf(template, 'AWS::CodeDeploy::DeploymentGroup').flatMap(([logicalId, properties]) => {
    const { Alarms, Enabled } = (properties['AlarmConfiguration'] ?? {}) as { Alarms?: unknown[]; Enabled?: boolean };
    if (Enabled && Alarms?.length) return [];
    const problem = 'The gradual deployment watches no alarm, so it never goes back by itself.';
    return [{ logicalId, problem, nextStep: 'Give the deployment group the alarm of its function.' }];
  });
}
