import type { Pool } from 'pg';
import { parseSessionReference } from '../../lambdas/sessions/session-reference.ts';
import { SessionRepository } from '../../lambdas/sessions/session-repository.ts';

/**
 * The UUID of a session that is named by its UUID or by its `SESSION-…` name.
 *
 * @throws Error with one sentence if there is no such session.
 */
export async function findSession(pool: Pool, text: string): Promise<string> {
  const reference = parseSessionReference(text);
  const found = reference && (await new SessionRepository(pool).findOwner(reference));
  if (found) return found.id;
  throw new Error(`There is no session "${text}"; name it by its UUID or by its name, such as SESSION-20260101-…`);
}
