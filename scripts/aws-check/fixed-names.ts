import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import { digestOf } from '../../lib/content-name.ts';
import { schemaOf } from './schema.ts';
import { type Finding, intrinsicOf, referencesIn, type Template } from './template.ts';

/**
 * CloudFormation creates the replacement of a resource before it deletes the old one. So a resource with a fixed name can only
 * be replaced if its name changes too. Checks that such a name ends with a digest of the properties that force a
 * replacement (`contentName` in `lib/content-name.ts`).
 */
export function checkFixedNames(template: Template, spec: SpecDatabase): Finding[] {
  return Object.entries(template.Resources).flatMap(([logicalId, { Type, Properties = {} }]) => {
    const schema = schemaOf(spec, Type);
    if (!schema) return [];
    const forces = (name: string) => schema.properties[name]?.causesReplacement === 'yes';
    const identifiers = schema.primaryIdentifier ?? [];
    const isIdentified = identifiers.length > 0 && identifiers.every((name) => name in Properties);
    const names = isIdentified ? identifiers : Object.keys(Properties).filter((name) => isNameOf(schema.name, name));
    const fixed = names.filter((name) => forces(name) && isFixed(template, Properties[name]));
    if (fixed.length === 0) return [];
    const others = Object.keys(Properties).filter((name) => forces(name) && !names.includes(name));
    if (others.length === 0) return [];
    const digest = digestOf(Object.fromEntries(others.map((name) => [name, Properties[name]])));
    if (fixed.some((name) => endOf(Properties[name]).endsWith(`-${digest}`))) return [];
    const list = others.join(', ');
    return [
      {
        logicalId,
        problem: `Its ${fixed.join(' and ')} stays the same when ${list} changes, so its replacement cannot be created.`,
        nextStep: `Give it no name, or one from contentName() in lib/content-name.ts with ${list}.`,
      },
    ];
  });
}

/** `TopicName`, `Name` or, of a security group, `GroupName`. */
function isNameOf(resource: string, property: string): boolean {
  return property.endsWith('Name') && resource.endsWith(property.slice(0, -'Name'.length));
}

/** Whether a name is in the template, and not made by CloudFormation for another resource. */
function isFixed(template: Template, value: unknown): boolean {
  return !referencesIn(value).some(({ target }) => target in template.Resources);
}

/** The last text of a name. */
function endOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [name, argument] = intrinsicOf(value) ?? [];
  if (name === 'Fn::Join' && Array.isArray(argument)) return endOf((argument[1] as unknown[]).at(-1));
  if (name === 'Fn::Sub') return String(Array.isArray(argument) ? argument[0] : argument);
  return '';
}
