import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import { RollcallError } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { type Message, messages, type TypesOfGroup } from '../../protocol/messages.ts';
import type { RouteGroup } from '../../protocol/route-group.ts';
import type { Caller } from '../flows/callers/caller.ts';
import { DeadlineExceeded, withDeadline } from '../platform/deadline.ts';
import { withLogContext } from '../platform/log-context.ts';
import type { Services } from '../services/services.ts';
import { callerOf } from './caller.ts';
import { idsOf } from './event-ids.ts';
import { answerTo, errorFrame, isFailure, readRequest, refusalOf } from './request.ts';

/** One function for each message type of a group. It returns a frame, or nothing if an `ack` is enough. */
export type GroupHandlers<G extends RouteGroup> = {
  [T in TypesOfGroup<G>]: (message: Message<T>, caller: Caller) => Promise<ServerFrame | undefined>;
};

export interface RouteOptions {
  log: Services['log'];
  metrics: Services['metrics'];
  /** Refuses a caller who sends too much. Routes that count messages in their own round trip have none. */
  limit?: (connectionId: string) => Promise<void>;
  /** Records the frame as a sign of life (rule PR1). Routes whose handlers do so have none. */
  notice?: (caller: Caller, message: { sessionId?: string }) => Promise<void>;
  /** Posts an answer to the caller if the route has no route response. */
  post?: (connectionId: string, frame: ServerFrame) => Promise<void>;
  /** Runs before the invocation ends, also after an error, because the execution environment is frozen afterwards. */
  finish?: () => Promise<void>;
}

type AnyHandler = (message: unknown, caller: Caller) => Promise<ServerFrame | undefined>;

/** Reserved of the time limit of the function, so that the client gets an answer before a slow handler is killed. */
const reserveMillis = 500;

/**
 * The adapter between API Gateway and the handlers of one group. It reads the message once, finds the caller, turns any
 * error into an `error` frame and sends the answer as a route response or as a post (rules DE10, FA6).
 */
export function route<G extends RouteGroup>(group: G, handlers: GroupHandlers<G>, options: RouteOptions) {
  const responds = groupResponds(group);
  return async (event: APIGatewayProxyWebsocketEventV2, context: Context): Promise<APIGatewayProxyResultV2> => {
    const started = performance.now();
    const request = readRequest(event.body ?? '', event.isBase64Encoded);
    const sessionId = 'refusal' in request ? undefined : (request.message as { sessionId?: string }).sessionId;
    const ids = { ...idsOf(event), clientRequestId: request.requestId, sessionId };
    return withLogContext(ids, async () => {
      const caller = callerOf(event);
      let frame: ServerFrame | undefined;
      try {
        if ('refusal' in request) throw request.refusal;
        refuseExpiredClaim(caller);
        const handler = (handlers as Record<string, AnyHandler>)[request.type];
        // API Gateway routes each type to its group, so this is a mistake of the stack and not of the client.
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
        options.metrics.request(false);
      } catch (error) {
        const about = () => ({ route: event.requestContext.routeKey, userId: caller.userId });
        const refusal: RollcallError = refusalOf(error, about, options.log);
        options.metrics.request(isFailure(refusal));
        frame = errorFrame(refusal, request.requestId, ids.requestId);
      }
      if (frame && !responds) await options.post?.(caller.connectionId, frame);
      await options.finish?.();
      options.log.debug('A frame was served', {
        route: event.requestContext.routeKey,
        userId: caller.userId,
        answer: frame?.type,
        millis: Math.round(performance.now() - started),
      });
      options.metrics.flush();
      return frame && responds ? { statusCode: 200, body: JSON.stringify(frame) } : { statusCode: 200 };
    });
  };
}

/** An access claim grants nothing after its token has ended (rule SE12). */
function refuseExpiredClaim({ claimUntil, receivedAt = 0 }: Caller): void {
  if (claimUntil === undefined || receivedAt < claimUntil) return;
  throw new RollcallError('UNAUTHENTICATED', 'Your token has expired; connect again with a new one.');
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
      // The work continues after its caller was answered.
      work.catch((failure: Error) => log.warn('A handler failed after its time was over', failure));
    }
    throw error;
  }
}
