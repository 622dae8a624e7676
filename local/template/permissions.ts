import type { Resolver } from './resolver.ts';

/** The permissions of a function's role. */
export interface Permissions {
  /** Whether an Allow statement covers the action on the resource, and no Deny does. */
  allows(action: string, resource: string): boolean;
}

interface Statement {
  Effect?: string;
  Action?: string | string[];
  NotAction?: unknown;
  Resource?: string | string[];
  NotResource?: unknown;
}

interface Rule {
  effect: string;
  action(value: string): boolean;
  resource(value: string): boolean;
}

/** Statements by role: inline policies, policies attached to it, and the template's own managed policies. */
export function permissionsOfRoles(resolver: Resolver): Map<string, Permissions> {
  const statements = new Map<string, Statement[]>();
  const add = (role: string, document: unknown) =>
    statements.set(role, [
      ...(statements.get(role) ?? []),
      ...list<Statement>((document as { Statement?: unknown })?.Statement),
    ]);
  const managed = new Map<string, unknown>();
  for (const { reference, properties } of resolver.resourcesOfType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')) {
    managed.set(reference, properties['PolicyDocument']);
    for (const role of list<string>(properties['Roles'])) add(role, properties['PolicyDocument']);
  }
  for (const { reference, properties } of resolver.resourcesOfType('AWS::IAM::Role')) {
    for (const policy of list<{ PolicyDocument?: unknown }>(properties['Policies'])) {
      add(reference, policy.PolicyDocument);
    }
    for (const name of list<string>(properties['ManagedPolicyArns'])) add(reference, managed.get(name));
  }
  return new Map([...statements].map(([role, own]) => [role, createPermissions(own)]));
}

/** @param role ARN or name, as in the function's `Role` property. */
export function permissionsOfRole(roles: Map<string, Permissions>, role: string): Permissions {
  return roles.get(role.slice(role.lastIndexOf('/') + 1)) ?? createPermissions([]);
}

/**
 * Evaluates statements as IAM does, but treats all conditions as met: conditions in a function's role (source VPC,
 * tags) cannot be checked locally.
 */
export function createPermissions(statements: Statement[]): Permissions {
  const rules: Rule[] = statements.map((statement) => ({
    effect: statement.Effect ?? 'Allow',
    action: matcher(statement.Action, statement.NotAction, 'i'),
    resource: matcher(statement.Resource, statement.NotResource, ''),
  }));
  const byAction = new Map<string, Rule[]>();
  return {
    allows(action, resource) {
      const relevant = byAction.get(action) ?? rules.filter((rule) => rule.action(action));
      byAction.set(action, relevant);
      const matching = relevant.filter((rule) => rule.resource(resource));
      return matching.length > 0 && matching.every(({ effect }) => effect === 'Allow');
    },
  };
}

function matcher(patterns: unknown, excluded: unknown, flags: string): (value: string) => boolean {
  const expressions = list<string>(patterns ?? excluded).map((pattern) => wildcard(pattern, flags));
  const wanted = patterns !== undefined;
  return (value) => expressions.some((expression) => expression.test(value)) === wanted;
}

/** An IAM pattern, in which `*` matches any text and `?` one character. */
export function wildcard(pattern: string, flags = ''): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, flags);
}

function list<T>(value: unknown): T[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]) as T[];
}
