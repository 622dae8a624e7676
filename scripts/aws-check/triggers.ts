import { policiesOfRole } from './policies.ts';
import { routesOut } from './routes.ts';
import { isCustom } from './schema.ts';
import { rulesAbout } from './security-groups.ts';
import { allDependenciesOf, type Finding, isObject, referencesIn, type Template, targetOf } from './template.ts';

/**
 * A custom resource runs a function during the deployment. Checks that it waits for everything that the function needs: the
 * rules of its security groups, the routes of its subnets and the policies of its role. Without `DependsOn`, CloudFormation
 * may create these later.
 */
export function checkTriggers(template: Template): Finding[] {
  return Object.entries(template.Resources).flatMap(([logicalId, { Type, Properties }]) => {
    if (!isCustom(Type)) return [];
    const before = allDependenciesOf(template, logicalId);
    return functionsIn(template, Properties).flatMap((fn) =>
      needsOf(template, fn)
        .filter((need) => !before.has(need))
        .map((need) => ({
          logicalId,
          problem: `It runs ${fn} and does not wait for ${need}, which ${fn} needs.`,
          nextStep: `Add ${need} to its DependsOn (executeAfter of a trigger).`,
        })),
    );
  });
}

/** The functions that a custom resource refers to, directly or by a version or an alias. */
function functionsIn(template: Template, properties: unknown): string[] {
  const found = referencesIn(properties).flatMap(({ target }) => {
    const resource = template.Resources[target];
    if (resource?.Type === 'AWS::Lambda::Function') return [target];
    const isVersion = resource?.Type === 'AWS::Lambda::Version' || resource?.Type === 'AWS::Lambda::Alias';
    return isVersion ? functionsIn(template, resource.Properties) : [];
  });
  return [...new Set(found)];
}

function needsOf(template: Template, fn: string): string[] {
  const { Role, VpcConfig } = template.Resources[fn]?.Properties ?? {};
  const policies = policiesOfRole(template, targetOf(Role) ?? '').map(([id]) => id);
  if (!isObject(VpcConfig)) return policies;
  const groups = referencesIn(VpcConfig['SecurityGroupIds']).map(({ target }) => target);
  const subnets = referencesIn(VpcConfig['SubnetIds']).map(({ target }) => target);
  return [...policies, ...rulesAbout(template, groups), ...subnets.flatMap((subnet) => routesOut(template, subnet))];
}
