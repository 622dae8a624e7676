import { environmentNames } from '../../lambdas/platform/environment.ts';
import { type HandlerName, handlerNames, handlers } from '../../lib/handlers.ts';
import { type Statement, statementsOfRole } from './policies.ts';
import {
  type Finding,
  functionBehind,
  isObject,
  listed,
  referencesIn,
  resourcesOf,
  type Template,
  targetOf,
} from './template.ts';

/** An AWS action that the code of a function uses. */
export interface Use {
  /** The action as in a policy, for example `dynamodb:Query`. */
  action: string;
  /** The environment variable with the name of the resource. Undefined for the function itself. */
  variable?: string;
}

/** Actions that Lambda itself uses, so that a function has a log and a network interface. */
const usedByLambda = /^(logs:(CreateLogStream|PutLogEvents)|ec2:\w+)$/;

/** Not set if the functions log in as the owner of a database that exists; `database-logins.ts` says when they may not. */
const optional = environmentNames.serviceSecretArn;

/** What Lambda needs to write the traces of a function. */
const tracing = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

/**
 * Checks that each function of Rollcall may do what its code does, and nothing else.
 *
 * @param uses the actions that the bundle of each handler uses (`usesOfBundles`).
 */
export function checkPermissions(template: Template, uses: ReadonlyMap<HandlerName, readonly Use[]>): Finding[] {
  return resourcesOf(template, 'AWS::Lambda::Function').flatMap(([logicalId, properties]) => {
    const handler = handlerNames.find((name) => handlers[name].description === properties['Description']);
    if (handler === undefined) return [];
    const statements = statementsOfRole(template, targetOf(properties['Role']) ?? '');
    const granted = statements
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(grantsOf)
      .map(({ action, resources }) => ({ action, resources: resources.map((id) => functionBehind(template, id)) }));
    let used: (Use & { resources: string[] })[] = (uses.get(handler) ?? []).map(({ action, variable }) => ({
      action,
      variable,
      resources:
        variable === undefined ? [logicalId] : namedBy(properties, variable).map((id) => functionBehind(template, id)),
    }));
    used = used.filter(({ variable, resources }) => variable !== optional || resources.length > 0);
    if (isTraced(properties))
      used.push(...tracing.map((action) => ({ action, variable: undefined, resources: ['*'] })));
    // Secrets Manager decrypts a secret with the rights of the caller.
    const readsSecret = used.some(({ action }) => action === 'secretsmanager:GetSecretValue');
    const missing = used
      .filter(({ action, resources }) => !granted.some((grant) => grant.action === action && meets(grant, resources)))
      .map(({ action, variable }) => ({
        logicalId,
        problem: `Its code uses ${action} on ${variable ?? 'the function itself'}, which its role does not permit.`,
        nextStep: 'Call grantAccess of the construct in lib/, which sets the permission and the variable.',
      }));
    const unused = granted
      .filter(({ action }) => !usedByLambda.test(action))
      .filter(({ action }) => !(action === 'kms:Decrypt' && readsSecret))
      .filter((grant) => !used.some(({ action, resources }) => action === grant.action && meets(grant, resources)))
      .map(({ action, resources }) => ({
        logicalId,
        problem: `Its role permits ${action} on ${resources.join(', ') || 'any resource'}, which its code does not use.`,
        nextStep: 'Remove the action from the grantAccess call in lib/.',
      }));
    return [...missing, ...unused];
  });
}

function isTraced({ TracingConfig }: Record<string, unknown>): boolean {
  return isObject(TracingConfig) && TracingConfig['Mode'] === 'Active';
}

interface Grant {
  action: string;
  /** The resources of the template that the statement covers. */
  resources: string[];
}

function grantsOf({ Action, Resource }: Statement): Grant[] {
  return listed(Action).flatMap((action) =>
    listed(Resource).map((resource) => ({ action, resources: ownTargets(resource) })),
  );
}

function namedBy({ Environment }: Record<string, unknown>, variable: string): string[] {
  const variables = isObject(Environment) && isObject(Environment['Variables']) ? Environment['Variables'] : {};
  const value = variables[variable];
  return typeof value === 'string' ? [value] : ownTargets(value);
}

function meets(grant: Grant, resources: string[]): boolean {
  return grant.resources.some((resource) => resources.includes(resource));
}

/** The logical id of the resource that a value refers to, or the value itself if it refers to none. */
function ownTargets(value: unknown): string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [value];
  const targets = referencesIn(value).map(({ target }) => target);
  const own = targets.filter((target) => !target.startsWith('AWS::'));
  return own.length > 0 ? own : [JSON.stringify(value)];
}
