import type { Property, PropertyType, Resource as ResourceSchema, SpecDatabase } from '@aws-cdk/service-spec-types';
import { type Finding, intrinsicOf, isObject, type Resource, type Template } from './template.ts';

/** The schema of a resource type; undefined if AWS publishes none. */
export function schemaOf(spec: SpecDatabase, type: string): ResourceSchema | undefined {
  return [...spec.lookup('resource', 'cloudFormationType', 'equals', type)][0];
}

/** Whether a type is a custom resource. Only its function knows its properties. */
export function isCustom(type: string): boolean {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
}

/** Checks names, types and required properties of every resource against the schemas that AWS publishes. */
export function checkSchema(template: Template, spec: SpecDatabase): Finding[] {
  return Object.entries(template.Resources).flatMap(([logicalId, resource]) =>
    problemsOf(resource, spec).map(([problem, nextStep]) => ({ logicalId, problem, nextStep })),
  );
}

type Problem = [problem: string, nextStep: string];

function problemsOf({ Type, Properties = {} }: Resource, spec: SpecDatabase): Problem[] {
  if (isCustom(Type)) {
    return 'ServiceToken' in Properties
      ? []
      : [[`The custom resource names no function.`, 'Set ServiceToken to the ARN of the function that serves it.']];
  }
  const schema = schemaOf(spec, Type);
  if (!schema) return [[`CloudFormation knows no type ${Type}.`, 'Correct the type.']];
  return new TypeCheck(spec, Type).properties(Properties, schema.properties, '');
}

class TypeCheck {
  private readonly spec: SpecDatabase;
  private readonly resourceType: string;

  constructor(spec: SpecDatabase, resourceType: string) {
    this.spec = spec;
    this.resourceType = resourceType;
  }

  properties(values: Record<string, unknown>, schema: Record<string, Property>, path: string): Problem[] {
    const unknown = Object.keys(values).filter((name) => !(name in schema));
    const missing = Object.entries(schema).filter(([name, { required }]) => required && isAbsent(values[name]));
    return [
      ...unknown.map(
        (name): Problem => [
          `${this.resourceType} has no property ${path}${name}.`,
          'Correct the name or remove the property.',
        ],
      ),
      ...missing.map(
        ([name]): Problem => [`${this.resourceType} requires the property ${path}${name}.`, 'Set the property.'],
      ),
      ...Object.entries(values).flatMap(([name, value]) => {
        const property = schema[name];
        if (!property || isAbsent(value)) return [];
        return this.anyOf(value, [property.type, ...(property.previousTypes ?? [])], `${path}${name}`);
      }),
    ];
  }

  /** No problem if one of the types fits; else the problems with the first. */
  private anyOf(value: unknown, types: readonly PropertyType[], path: string): Problem[] {
    const results = types.map((type) => this.value(value, type, path));
    return results.some((problems) => problems.length === 0) ? [] : results[0]!;
  }

  private value(value: unknown, type: PropertyType, path: string): Problem[] {
    if (type.type === 'json') return [];
    if (type.type === 'union') return this.anyOf(value, type.types, path);
    const intrinsic = intrinsicOf(value);
    if (intrinsic) return this.intrinsic(intrinsic, type, path);
    switch (type.type) {
      case 'array':
        if (!Array.isArray(value)) return this.wrong(path, 'a list');
        return value.flatMap((each, index) => this.value(each, type.element, `${path}.${index}`));
      case 'map':
        if (!isObject(value)) return this.wrong(path, 'an object');
        return Object.entries(value).flatMap(([key, each]) => this.value(each, type.element, `${path}.${key}`));
      case 'ref':
        if (!isObject(value)) return this.wrong(path, 'an object');
        return this.properties(value, this.spec.get('typeDefinition', type.reference).properties, `${path}.`);
      case 'tag':
        return isObject(value) && 'Key' in value && 'Value' in value
          ? []
          : this.wrong(path, 'a tag with Key and Value');
      case 'string':
        return this.oneOf(value, 'string', 'a text', type.allowedValues, path);
      case 'integer':
        if (!Number.isInteger(value)) return this.wrong(path, 'a whole number');
        return this.oneOf(value, 'number', 'a whole number', type.allowedValues, path);
      case 'number':
        return typeof value === 'number' ? [] : this.wrong(path, 'a number');
      case 'boolean':
        return typeof value === 'boolean' ? [] : this.wrong(path, 'true or false');
      case 'date-time':
        return typeof value === 'string' ? [] : this.wrong(path, 'a time as text');
      case 'null':
        return value === null ? [] : this.wrong(path, 'null');
    }
  }

  private oneOf(value: unknown, kind: string, name: string, allowed: unknown[] | undefined, path: string): Problem[] {
    if (typeof value !== kind) return this.wrong(path, name);
    if (!allowed || allowed.includes(value)) return [];
    return [
      [`The property ${path} of ${this.resourceType} is ${JSON.stringify(value)}.`, `Use ${allowed.join(' or ')}.`],
    ];
  }

  /** The value of an intrinsic function is known only at the deployment, but its type is known before. */
  private intrinsic([name, argument]: [string, unknown], type: PropertyType, path: string): Problem[] {
    if (name === 'Fn::If' && Array.isArray(argument)) {
      return argument.slice(1).flatMap((each) => (isAbsent(each) ? [] : this.value(each, type, path)));
    }
    const isText = ['Fn::Join', 'Fn::Sub', 'Fn::Base64'].includes(name);
    if (isText && ['array', 'map', 'ref', 'tag'].includes(type.type)) {
      return this.wrong(path, type.type === 'array' ? 'a list' : 'an object');
    }
    return [];
  }

  private wrong(path: string, expected: string): Problem[] {
    return [[`The property ${path} of ${this.resourceType} has a wrong type.`, `Give it ${expected}.`]];
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || (isObject(value) && value['Ref'] === 'AWS::NoValue');
}
