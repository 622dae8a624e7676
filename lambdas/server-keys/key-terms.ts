import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { displayName } from '../../protocol/names.ts';
import { type KeyScope, keyScopes, serverLimits } from '../../protocol/server-api.ts';
import { textProblem } from '../../protocol/text.ts';
import type { KeyTerms, ServerKey } from './server-key.ts';

/** Ten years. */
const longestSeconds = 315_360_000;

/**
 * The checked terms of a new key.
 *
 * @throws RollcallError INVALID_MESSAGE that names the term.
 */
export function checkTerms(
  { name, scopes, sessions = ['*'], expiresInSeconds }: KeyTerms,
  now: number,
): Pick<ServerKey, 'name' | 'scopes' | 'sessions' | 'expiresAt'> {
  const shown = displayName(name);
  if (shown === '') throw invalid('A key needs a name with a visible character.');
  const unknown = scopes.find((scope) => !(keyScopes as readonly string[]).includes(scope));
  if (unknown !== undefined || scopes.length === 0) {
    const what = unknown === undefined ? 'A key needs a scope' : `There is no scope "${unknown.slice(0, 50)}"`;
    throw invalid(`${what}; choose among ${keyScopes.join(', ')}.`);
  }
  if (sessions.length === 0 || sessions.length > serverLimits.keySessions || sessions.some(isUnusable)) {
    throw invalid(
      `Name 1 to ${serverLimits.keySessions} keys of sessions with 1 to ${limits.keyCharacters} characters each; "doc-*" covers all that begin with "doc-".`,
    );
  }
  const isPeriod = expiresInSeconds === undefined || (expiresInSeconds >= 1 && expiresInSeconds <= longestSeconds);
  if (!isPeriod) throw invalid(`A key expires after 1 to ${longestSeconds} seconds, or never.`);
  return {
    name: shown,
    scopes: [...new Set(scopes)] as KeyScope[],
    sessions: [...new Set(sessions)],
    expiresAt: expiresInSeconds === undefined ? null : Math.round(now + expiresInSeconds * 1000),
  };
}

function isUnusable(name: string): boolean {
  return name.trim() === '' || name.length > limits.keyCharacters || textProblem(name) !== undefined;
}

function invalid(message: string): RollcallError {
  return new RollcallError('INVALID_MESSAGE', message);
}
