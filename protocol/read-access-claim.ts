import type { AccessClaim } from './access-claim.ts';
import { roles } from './entities.ts';
import { limits } from './limits.ts';
import { textProblem } from './text.ts';

const utf8 = new TextEncoder();

/**
 * Reads the value of the access claim, `{"sessions": {"doc-42": "operator", "team-7/*": "viewer"}}`.
 *
 * @returns what it grants, or what is wrong with it: the rest of a sentence that begins with the name of the claim.
 */
export function readAccessClaim(value: unknown): { sessions: AccessClaim } | { problem: string } {
  const sessions = isObject(value) ? value['sessions'] : undefined;
  if (!isObject(sessions)) return { problem: 'must be an object with an object "sessions"' };
  if (utf8.encode(JSON.stringify(sessions)).length > limits.accessClaimBytes) {
    return { problem: `must have at most ${limits.accessClaimBytes} bytes of JSON in "sessions"; use names with *` };
  }
  for (const [name, role] of Object.entries(sessions)) {
    const problem = nameProblem(name);
    if (problem) return { problem: `has a key in "sessions" that ${problem}` };
    if (!(roles as readonly unknown[]).includes(role)) {
      return { problem: `must give each key in "sessions" one of the roles ${roles.join(', ')}` };
    }
  }
  return { sessions: sessions as AccessClaim };
}

/** A name with `*` may be one character longer than a key. */
function nameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'is empty';
  if (name.length > limits.keyCharacters + (name.endsWith('*') ? 1 : 0)) {
    return `has more than ${limits.keyCharacters} characters`;
  }
  return textProblem(name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
