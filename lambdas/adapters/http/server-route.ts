import { RollcallError } from '../../../protocol/errors.ts';
import { serverLimits } from '../../../protocol/server-api.ts';
import { textProblem } from '../../../protocol/text.ts';
import { admitProgram } from '../../flows/programs/admit-program.ts';
import type { Program } from '../../flows/programs/program.ts';
import type { Services } from '../../services/services.ts';
import { type HttpEvent, type HttpHandlers, httpAdapter, readPath } from './http-adapter.ts';

/** A request to the server API, after its key was verified. */
export interface ServerRequest {
  program: Program;
  /** The `{id}` of the path. */
  id: string;
  /** The `{userId}` and `{agentId}` of the path. */
  userId: string;
  agentId: string;
  query: Record<string, string | undefined>;
  /** The text of its body; empty if it has none. */
  body: string;
  idempotencyKey: string | undefined;
}

/** The adapter between the server API and its handlers. A refused key is logged without its secret. */
export function serverRoute(handlers: HttpHandlers<ServerRequest>, services: Services) {
  return httpAdapter(handlers, (event) => readServerRequest(services, event), services);
}

async function readServerRequest(services: Services, event: HttpEvent): Promise<ServerRequest> {
  const key = await admitProgram(services, event.headers['authorization']).catch((error: unknown) => {
    if (error instanceof RollcallError) services.log.info('A server key was refused', { code: error.code });
    throw error;
  });
  const { sourceIp = null } = event.requestContext.http;
  const program = { key, ipAddress: sourceIp, userAgent: event.headers['user-agent'] ?? null };
  const { id, query, body } = readPath(event);
  const { userId = '', agentId = '' } = event.pathParameters ?? {};
  return { program, id, userId, agentId, query, body, idempotencyKey: idempotencyKeyOf(event) };
}

function idempotencyKeyOf({ headers }: HttpEvent): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined || given === '') return undefined;
  if (given.length <= serverLimits.idempotencyKeyCharacters && !textProblem(given)) return given;
  throw new RollcallError(
    'INVALID_MESSAGE',
    `The header "Idempotency-Key" has at most ${serverLimits.idempotencyKeyCharacters} characters; send a UUID.`,
  );
}
