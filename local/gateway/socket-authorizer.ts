import type { InvocationResult } from '../lambda/execution-environment.ts';
import { wildcard } from '../template/permissions.ts';
import type { HandshakeParameters } from './socket-events.ts';

/** The result of the authorizer for a handshake. */
export interface Verdict {
  status: 200 | 401 | 403 | 500;
  /** The context for all events of the connection; only with status 200. */
  context?: Record<string, unknown>;
}

/** The largest answer of an authorizer that API Gateway accepts. */
const answerBytes = 8 * 1024;

interface AuthorizerAnswer {
  principalId?: unknown;
  policyDocument?: { Statement?: unknown };
  context?: Record<string, unknown>;
}

interface PolicyStatement {
  Effect?: string;
  Action?: string | string[];
  Resource?: string | string[];
}

/** Whether all identity sources of an authorizer are present and not empty. Otherwise the authorizer is not called. */
export function hasIdentity(sources: string[], handshake: HandshakeParameters, variables = {}): boolean {
  const headers = new Map(Object.entries(handshake.headers).map(([name, value]) => [name.toLowerCase(), value]));
  return sources.every((source) => {
    const [, kind, name = ''] =
      /^(route\.request\.header|route\.request\.querystring|stageVariables|context)\.(.+)$/.exec(source) ?? [];
    if (kind === 'route.request.header') return Boolean(headers.get(name.toLowerCase()));
    if (kind === 'route.request.querystring') return Boolean(handshake.queryStringParameters?.[name]);
    return kind === 'stageVariables' ? Boolean((variables as Record<string, string>)[name]) : kind === 'context';
  });
}

/**
 * Reads the answer of a REQUEST authorizer. An explicit Allow for the method gives 200, a Deny or no statement 403, the
 * error `Unauthorized` 401, and an invalid policy or an answer over 8 KB 500.
 */
export function readVerdict(result: InvocationResult, methodArn: string, latencyMillis: number): Verdict {
  if (result.error) return { status: result.error.errorMessage === 'Unauthorized' ? 401 : 500 };
  const answer = result.answer as AuthorizerAnswer | null;
  const statements = listOf<PolicyStatement>(answer?.policyDocument?.Statement);
  if (!answer || typeof answer.principalId !== 'string' || statements.length === 0) return { status: 500 };
  if (Buffer.byteLength(JSON.stringify(answer)) > answerBytes) return { status: 500 };
  const relevant = statements.filter((statement) => covers(statement, methodArn));
  const allowed = relevant.length > 0 && relevant.every(({ Effect }) => Effect === 'Allow');
  if (!allowed) return { status: 403 };
  const context = stringified(answer.context ?? {});
  if (!context) return { status: 500 };
  return { status: 200, context: { ...context, principalId: answer.principalId, integrationLatency: latencyMillis } };
}

function covers({ Action, Resource }: PolicyStatement, methodArn: string): boolean {
  const action = listOf<string>(Action).some((pattern) => wildcard(pattern, 'i').test('execute-api:Invoke'));
  return action && listOf<string>(Resource).some((pattern) => wildcard(pattern).test(methodArn));
}

/** Converts context values to strings, as AWS does. Objects and lists are refused. */
function stringified(context: Record<string, unknown>): Record<string, string> | undefined {
  const entries = Object.entries(context).filter(([, value]) => value !== null && value !== undefined);
  if (entries.some(([, value]) => typeof value === 'object')) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function listOf<T>(value: unknown): T[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]) as T[];
}
