import type { Resource, Template } from './assembly.ts';
import { attributeOf, referenceOf } from './identifiers.ts';
import { localAccount } from './local-account.ts';

/** Resolves the intrinsic functions of a CloudFormation template to local values. */
export interface Resolver {
  /** The value with all intrinsic functions resolved. Properties that are `AWS::NoValue` are removed. */
  resolve(value: unknown): unknown;
  text(value: unknown): string;
  /** The resources of these types whose condition is true, with resolved properties. */
  resourcesOfType(...types: string[]): ResolvedResource[];
}

export interface ResolvedResource {
  logicalId: string;
  type: string;
  /** The value of `Ref`. */
  reference: string;
  properties: Record<string, unknown>;
}

const noValue = Symbol('AWS::NoValue');
type Intrinsic = (argument: unknown) => unknown;

/**
 * @param parameters values of the template's parameters; the others have the template's default.
 * @throws Error for an unknown reference or an unsupported intrinsic function.
 */
export function createResolver(template: Template, stackName: string, parameters: Record<string, string>): Resolver {
  const pseudo: Record<string, unknown> = {
    'AWS::Region': localAccount.region,
    'AWS::AccountId': localAccount.account,
    'AWS::Partition': localAccount.partition,
    'AWS::URLSuffix': localAccount.urlSuffix,
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${localAccount.region}:${localAccount.account}:stack/${stackName}/local`,
    'AWS::NoValue': noValue,
    'AWS::NotificationARNs': [],
  };

  function reference(name: string): unknown {
    if (name in pseudo) return pseudo[name];
    const parameter = template.Parameters?.[name];
    if (parameter) return parameters[name] ?? String(parameter.Default ?? '');
    return referenceOf(name, resource(name), text);
  }

  function resource(logicalId: string): Resource {
    const found = template.Resources[logicalId];
    if (!found) throw new Error(`The template refers to "${logicalId}", which it does not contain.`);
    return found;
  }

  function attribute(argument: unknown): string {
    const [logicalId, ...rest] = typeof argument === 'string' ? argument.split('.') : (argument as string[]);
    return attributeOf(logicalId!, resource(logicalId!), rest.join('.'), text);
  }

  function substitute(argument: unknown): string {
    const [pattern, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [
      string,
      Record<string, unknown>,
    ];
    return pattern.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in variables) return text(variables[name]);
      return name.includes('.') ? attribute(name) : String(reference(name));
    });
  }

  function condition(name: string): boolean {
    const expression = template.Conditions?.[name];
    if (expression === undefined) throw new Error(`The template has no condition "${name}".`);
    return Boolean(resolve(expression));
  }

  const list = (argument: unknown) => resolve(argument) as unknown[];
  const intrinsics: Record<string, Intrinsic> = {
    Ref: (argument) => reference(argument as string),
    'Fn::GetAtt': attribute,
    'Fn::Sub': substitute,
    'Fn::Join': (argument) => {
      const [separator, parts] = list(argument) as [string, unknown[]];
      return parts.join(separator);
    },
    'Fn::Split': (argument) => {
      const [separator, value] = list(argument) as [string, string];
      return value.split(separator);
    },
    'Fn::Select': (argument) => {
      const [index, values] = list(argument) as [number | string, unknown[]];
      return values[Number(index)] ?? '';
    },
    'Fn::If': (argument) => {
      const [name, then, otherwise] = argument as [string, unknown, unknown];
      return resolve(condition(name) ? then : otherwise);
    },
    'Fn::Equals': (argument) => {
      const [left, right] = list(argument);
      return String(left) === String(right);
    },
    'Fn::And': (argument) => list(argument).every(Boolean),
    'Fn::Or': (argument) => list(argument).some(Boolean),
    'Fn::Not': (argument) => !list(argument)[0],
    'Fn::FindInMap': (argument) => {
      const [map, first, second] = list(argument) as [string, string, string];
      return template.Mappings?.[map]?.[first]?.[second];
    },
    'Fn::Base64': (argument) => Buffer.from(text(argument)).toString('base64'),
    'Fn::GetAZs': () => [`${localAccount.region}a`, `${localAccount.region}b`],
    'Fn::Cidr': (argument) => Array.from({ length: Number(list(argument)[1]) }, (_, index) => `10.0.${index}.0/24`),
    Condition: (argument) => condition(argument as string),
  };

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== noValue);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (entries.length === 1 && only && isIntrinsic(only)) {
      const intrinsic = intrinsics[only[0]];
      if (!intrinsic) throw new Error(`The template uses ${only[0]}, which the local stack does not support.`);
      return intrinsic(only[1]);
    }
    const resolved = entries.map(([key, item]) => [key, resolve(item)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== noValue));
  }

  const text = (value: unknown) => String(resolve(value));

  return {
    resolve,
    text,
    resourcesOfType: (...types) =>
      Object.entries(template.Resources)
        .filter(([, { Type, Condition }]) => types.includes(Type) && (Condition === undefined || condition(Condition)))
        .map(([logicalId, { Type, Properties }]) => ({
          logicalId,
          type: Type,
          reference: String(reference(logicalId)),
          properties: resolve(Properties ?? {}) as Record<string, unknown>,
        })),
  };
}

/** `Condition` is also a normal property name in IAM; then its value is an object. */
function isIntrinsic([key, argument]: [string, unknown]): boolean {
  return key.startsWith('Fn::') || ((key === 'Ref' || key === 'Condition') && typeof argument === 'string');
}
