import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import { isCustom, schemaOf } from './schema.ts';
import {
  type Finding,
  intrinsicOf,
  isObject,
  listed,
  type Reference,
  referencesIn,
  type Template,
} from './template.ts';

/**
 * Checks that everything exists that a resource or an output refers to: resources, parameters, attributes, mappings,
 * conditions.
 */
export function checkReferences(template: Template, spec: SpecDatabase): Finding[] {
  const resources = Object.entries(template.Resources).flatMap(([logicalId, resource]) => [
    ...problemsIn(template, spec, logicalId, resource.Properties),
    ...listed(resource.DependsOn)
      .filter((target) => !(target in template.Resources))
      .map((target) => ({
        logicalId,
        problem: `DependsOn names ${target}, which is not in the template.`,
        nextStep: 'Correct the name or remove the dependency.',
      })),
  ]);
  const outputs = Object.entries(template.Outputs ?? {}).flatMap(([name, output]) =>
    problemsIn(template, spec, name, output),
  );
  return [...resources, ...outputs];
}

function problemsIn(template: Template, spec: SpecDatabase, logicalId: string, value: unknown): Finding[] {
  const references = referencesIn(value).flatMap((reference) => problemOf(template, spec, reference));
  const maps = namesIn(value, 'Fn::FindInMap').filter((name) => !(name in (template.Mappings ?? {})));
  const conditions = namesIn(value, 'Fn::If').filter((name) => !(name in (template.Conditions ?? {})));
  return [
    ...references,
    ...maps.map((name) => `The mapping ${name} is not in the template.`),
    ...conditions.map((name) => `The condition ${name} is not in the template.`),
  ].map((problem) => ({ logicalId, problem, nextStep: 'Correct the name.' }));
}

function problemOf(template: Template, spec: SpecDatabase, { target, attribute }: Reference): string[] {
  if (attribute === undefined) {
    const exists = target.startsWith('AWS::') || target in template.Resources || target in (template.Parameters ?? {});
    return exists ? [] : [`It refers to ${target}, which is not in the template.`];
  }
  const resource = template.Resources[target];
  if (!resource) return [`It refers to ${target}.${attribute}, and ${target} is not in the template.`];
  if (hasAttribute(spec, resource.Type, attribute)) return [];
  return [`It refers to ${target}.${attribute}, and ${resource.Type} has no such attribute.`];
}

function hasAttribute(spec: SpecDatabase, type: string, attribute: string): boolean {
  if (isCustom(type)) return true;
  // The outputs of a nested stack are defined in its own template.
  const isStack = type === 'AWS::CloudFormation::Stack' || type === 'AWS::Serverless::Application';
  if (isStack && attribute.startsWith('Outputs.')) return true;
  return attribute in (schemaOf(spec, type)?.attributes ?? {});
}

/** The first arguments of every use of an intrinsic function. */
function namesIn(value: unknown, intrinsic: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => namesIn(each, intrinsic));
  if (!isObject(value)) return [];
  const [name, argument] = intrinsicOf(value) ?? [];
  const own = name === intrinsic && Array.isArray(argument) && typeof argument[0] === 'string' ? [argument[0]] : [];
  return [...own, ...Object.values(value).flatMap((each) => namesIn(each, intrinsic))];
}
