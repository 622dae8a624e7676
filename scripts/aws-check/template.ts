/** The parts of a CloudFormation template that the checks read. */
export interface Template {
  Resources: Record<string, Resource>;
  Parameters?: Record<string, unknown>;
  Mappings?: Record<string, unknown>;
  Conditions?: Record<string, unknown>;
  Outputs?: Record<string, unknown>;
}

export interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | string[];
  Condition?: string;
}

/** A problem of one resource and the next step. Both texts are whole sentences. */
export interface Finding {
  logicalId: string;
  problem: string;
  nextStep: string;
}

/** A reference in a template to another part of it. */
export interface Reference {
  /** Logical id of a resource, or name of a parameter or pseudo parameter. */
  target: string;
  /** Only for `Fn::GetAtt` and `${target.attribute}`. */
  attribute?: string;
}

/** The entries of a value that may be missing, a single value or a list. */
export function listed<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name and argument of an intrinsic function; `Ref` and `Condition` count as such. */
export function intrinsicOf(value: unknown): [name: string, argument: unknown] | undefined {
  if (!isObject(value)) return undefined;
  const [entry, ...more] = Object.entries(value);
  if (!entry || more.length > 0) return undefined;
  return entry[0] === 'Ref' || entry[0].startsWith('Fn::') ? entry : undefined;
}

/** The resource that a `Ref` or `Fn::GetAtt` refers to. */
export function targetOf(value: unknown): string | undefined {
  const [name] = intrinsicOf(value) ?? [];
  if (name !== 'Ref' && name !== 'Fn::GetAtt') return undefined;
  return referencesIn(value)[0]?.target;
}

/** The function behind an alias or a version, by logical ids. Any other id is returned as it is. */
export function functionBehind(template: Template, id: string): string {
  const { Type, Properties } = template.Resources[id] ?? {};
  if (Type !== 'AWS::Lambda::Alias' && Type !== 'AWS::Lambda::Version') return id;
  return targetOf(Properties?.['FunctionName']) ?? id;
}

/** Every reference in a value, at any depth. */
export function referencesIn(value: unknown): Reference[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isObject(value)) return [];
  const [name, argument] = intrinsicOf(value) ?? [];
  if (name === 'Ref') return [{ target: String(argument) }];
  if (name === 'Fn::GetAtt') {
    const [target, ...rest] = Array.isArray(argument) ? argument : String(argument).split('.');
    return [{ target: String(target), attribute: rest.join('.') }];
  }
  if (name === 'Fn::Sub') return referencesInText(argument);
  return Object.values(value).flatMap(referencesIn);
}

function referencesInText(argument: unknown): Reference[] {
  const [text, own] = Array.isArray(argument) ? argument : [argument, {}];
  const named = [...String(text).matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name]) => name!.trim());
  const outside = named.filter((name) => !(isObject(own) && name in own));
  const references = outside.map((name) => {
    const [target, ...rest] = name.split('.');
    return rest.length > 0 ? { target: target!, attribute: rest.join('.') } : { target: target! };
  });
  return [...references, ...referencesIn(own)];
}

/** The resources of a type, with their properties. */
export function resourcesOf(
  template: Template,
  ...types: string[]
): [id: string, properties: Record<string, unknown>][] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => types.includes(Type))
    .map(([id, { Properties }]) => [id, Properties ?? {}]);
}

/** The resources that must exist before a resource: its references and its `DependsOn`. */
export function dependenciesOf(template: Template, id: string): string[] {
  const { Properties, DependsOn } = template.Resources[id]!;
  const targets = [...referencesIn(Properties).map(({ target }) => target), ...listed(DependsOn)];
  return [...new Set(targets)].filter((target) => target in template.Resources);
}

/** All resources that must exist before a resource, directly or indirectly. */
export function allDependenciesOf(template: Template, id: string): Set<string> {
  const found = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of dependenciesOf(template, next)) {
      if (found.has(target)) continue;
      found.add(target);
      open.push(target);
    }
  }
  return found;
}

/** Whether two values of a template are the same. */
export function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
