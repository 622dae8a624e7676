import type * as z from 'zod/mini';
import type { Role, SessionMetadata } from '../../protocol/entities.ts';
import { roles } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { messages, tooLarge } from '../../protocol/messages.ts';
import { isUuid } from '../../protocol/uuid.ts';

/**
 * Checks what a session is created from, by the protocol's own schema.
 *
 * @throws RollcallError `INVALID_MESSAGE` or `TOO_LARGE`, naming the field.
 */
export function checkSessionInput(operationId: string, metadata: SessionMetadata): SessionMetadata {
  const { metadata: checked } = check(messages.session_create.schema, { operationId, metadata });
  return checked ?? {};
}

/** The same for a session that is opened by its key. */
export function checkKeyInput(key: string, metadata: SessionMetadata): SessionMetadata {
  return check(messages.session_open.schema, { key, metadata }).metadata ?? {};
}

/** The terms of an invite, by the protocol's own schema. */
export function checkInviteInput(input: {
  sessionId: string;
  role: Role;
  expiresInSeconds?: number;
  maxUses?: number;
}) {
  return check(messages.invite_create.schema, input);
}

/** @throws RollcallError `INVALID_MESSAGE` for anything but a UUID, which the database would not take. */
export function checkUuid(field: string, value: string): string {
  if (typeof value !== 'string' || !isUuid(value)) {
    throw new RollcallError('INVALID_MESSAGE', `${field}: must be a UUID.`);
  }
  return value.toLowerCase();
}

/** @throws RollcallError `INVALID_MESSAGE` for anything but a role. */
export function checkRole(role: Role): Role {
  if (!roles.includes(role)) throw new RollcallError('INVALID_MESSAGE', `role: must be one of ${roles.join(', ')}.`);
  return role;
}

function check<T>(schema: z.ZodMiniType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const large = issue.code === 'custom' && issue.params?.['limit'] === tooLarge;
  throw new RollcallError(large ? 'TOO_LARGE' : 'INVALID_MESSAGE', `${issue.path.join('.')}: ${issue.message}.`);
}
