import type { LogContext } from '../platform/log-context.ts';

/** The part of an event of API Gateway that has ids. */
interface WithIds {
  requestContext?: { requestId?: string; connectionId?: string | undefined };
}

/** The ids of an event of API Gateway, for its log lines. */
export function idsOf({ requestContext }: WithIds): LogContext {
  const { requestId, connectionId } = requestContext ?? {};
  return { requestId, ...(connectionId === undefined ? {} : { connectionId }) };
}
