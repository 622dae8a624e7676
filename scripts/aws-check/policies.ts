import { isObject, listed, resourcesOf, type Template, targetOf } from './template.ts';

export interface Statement {
  Effect: string;
  Action?: string | string[];
  Resource?: unknown;
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

/** The statements of a policy document. */
export function statementsIn(document: unknown): Statement[] {
  return isObject(document) ? listed(document['Statement'] as Statement | Statement[] | undefined) : [];
}

/** The policies of the template that are attached to a role, by their logical ids. */
export function policiesOfRole(
  template: Template,
  roleId: string,
): [id: string, properties: Record<string, unknown>][] {
  return resourcesOf(template, 'AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy').filter(([, { Roles }]) =>
    listed(Roles).some((role) => targetOf(role) === roleId),
  );
}

/** Every statement of a role, inline or attached. Managed policies of AWS are not in the template. */
export function statementsOfRole(template: Template, roleId: string): Statement[] {
  const inline = listed(template.Resources[roleId]?.Properties?.['Policies']) as { PolicyDocument: unknown }[];
  const attached = policiesOfRole(template, roleId).map(([, { PolicyDocument }]) => PolicyDocument);
  return [...inline.map(({ PolicyDocument }) => PolicyDocument), ...attached].flatMap(statementsIn);
}

/** Whether a statement names an action, exactly or by a wildcard at its end. */
export function namesAction({ Action }: Statement, action: string): boolean {
  return listed(Action).some((each) => each === action || (each.endsWith('*') && action.startsWith(each.slice(0, -1))));
}
