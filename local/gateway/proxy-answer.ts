import type { InvocationResult } from '../lambda/execution-environment.ts';

export interface ProxyAnswer {
  statusCode: number;
  headers: Record<string, unknown>;
  body: string | undefined;
}

/**
 * Reads the answer of a proxy integration. An answer whose status is not a number from 100 to 599, or its text, is malformed and
 * counts as a failure.
 */
export function readProxyAnswer({ answer, error }: InvocationResult): ProxyAnswer | 'failed' {
  const proxy = answer as
    | { statusCode?: unknown; headers?: Record<string, unknown>; body?: unknown }
    | null
    | undefined;
  const statusCode = statusOf(proxy?.statusCode);
  if (error || !proxy || statusCode === undefined) return 'failed';
  const body = typeof proxy.body === 'string' ? proxy.body : undefined;
  return { statusCode, headers: proxy.headers ?? {}, body };
}

function statusOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  return /^[1-5]\d\d$/.test(String(value)) ? Number(value) : undefined;
}
