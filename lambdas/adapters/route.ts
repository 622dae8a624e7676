import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import type { RollcallError } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { type Message, messages, type RouteGroup, type TypesOfGroup } from '../../protocol/messages.ts';
import type { Caller } from '../flows/callers/caller.ts';
import { DeadlineExceeded, withDeadline } from '../platform/deadline.ts';
import type { Services } from '../services/services.ts';
import { callerOf } from './caller.ts';
import { answerTo, errorFrame, readRequest, refusalOf } from './request.ts';

/** One function per message type of a group. It answers a frame, or nothing where an `ack` says it all. */
export type GroupHandlers<G extends RouteGroup> = {
  [T in TypesOfGroup<G>]: (message: Message<T>, caller: Caller) => Promise<ServerFrame | undefined>;
};

export interface RouteOptions {
  log: Services['log'];
  /** Refuses a caller who sends too much; routes that count in their own round trip have none. */
  limit?: (connectionId: string) => Promise<void>;
  /** Takes the frame for a sign of life beside serving it (rule PR1); routes that do so by themselves have none. */
  notice?: (caller: Caller, message: { sessionId?: string }) => Promise<void>;
  /** Sends an answer to the caller where the route has no response of its own. */
  post?: (connectionId: string, frame: ServerFrame) => Promise<void>;
  /** Runs before the invocation ends, whatever the outcome: an execution environment is frozen afterwards. */
  finish?: () => Promise<void>;
}

type AnyHandler = (message: unknown, caller: Caller) => Promise<ServerFrame | undefined>;

/** Kept back from the function's own time limit, so that a slow handler is answered and not just killed. */
const reserveMillis = 500;

/**
 * The adapter between API Gateway and the handlers of one group: it reads the message once, establishes the caller,
 * turns whatever is thrown into an `error` frame and sends the answer the way the route provides (rules DE10, FA6).
 */
export function route<G extends RouteGroup>(group: G, handlers: GroupHandlers<G>, options: RouteOptions) {
  const responds = groupResponds(group);
  return async (event: APIGatewayProxyWebsocketEventV2, context: Context): Promise<APIGatewayProxyResultV2> => {
    const caller = callerOf(event);
    const request = readRequest(event.body ?? '', event.isBase64Encoded);
    let frame: ServerFrame | undefined;
    try {
      if ('refusal' in request) throw request.refusal;
      const handler = (handlers as Record<string, AnyHandler>)[request.type];
      // The gateway sends a type to its own group, so this is the stack's mistake and not the client's.
      if (!handler) throw new Error(`The route ${request.type} is not served by the group ${group}.`);
      const serve = async () => {
        await options.limit?.(caller.connectionId);
        const noticed = options.notice?.(caller, request.message as { sessionId?: string });
        try {
          return await handler(request.message, caller);
        } finally {
          await noticed;
        }
      };
      frame = answerTo(request, await inTime(serve(), context, options.log));
    } catch (error) {
      const refusal: RollcallError = refusalOf(
        error,
        () => ({
          route: event.requestContext.routeKey,
          connectionId: caller.connectionId,
          userId: caller.userId,
          requestId: request.requestId,
        }),
        options.log,
      );
      frame = errorFrame(refusal, request.requestId);
    }
    if (frame && !responds) await options.post?.(caller.connectionId, frame);
    await options.finish?.();
    return frame && responds ? { statusCode: 200, body: JSON.stringify(frame) } : { statusCode: 200 };
  };
}

/** All routes of a group have a response, or none has. */
function groupResponds(group: RouteGroup): boolean {
  return Object.values(messages).some((definition) => definition.group === group && definition.responds);
}

async function inTime<T>(work: Promise<T>, context: Context, log: Services['log']): Promise<T> {
  try {
    return await withDeadline(work, context.getRemainingTimeInMillis() - reserveMillis);
  } catch (error) {
    if (error instanceof DeadlineExceeded) {
      // The work goes on without its caller.
      work.catch((failure: Error) => log.warn('Work that was given up failed later', failure));
    }
    throw error;
  }
}
