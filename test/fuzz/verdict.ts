import { errorCodes } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';

/** What a frame did that no frame may do. */
export interface Finding {
  /** The number of the frame; with the seed it makes the same frame again. */
  frame: number;
  kind: string;
  text: string;
  what: string;
}

/** Nothing of these may be in an answer: names of programs, files and hosts, statements, and the words of their errors. */
const internal = [
  /node_modules|\.(ts|lua|js):\d|\bat .+ \(|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE) /,
  /postgres|redis|dynamo|zod|127\.0\.0\.1|ECONN|Error:|(?<!received )\bundefined\b|\[object|relation "|syntax error|violates|constraint/i,
];

/** The entry of the audit trail that records a refusal on purpose, and its ticket. */
const refusalEntry = /^activity_log INSERT .*"activity_type": "\w*_refused"/;
const ticket = /^activity_unsealed INSERT/;

/** The finding of a frame, with the frame as a text. */
export function findingOf(frame: number, kind: string, text: string | Uint8Array, what: string): Finding {
  const shown = typeof text === 'string' ? text : `base64 ${Buffer.from(text).toString('base64')}`;
  return { frame, kind, text: shown.slice(0, 2000), what };
}

/** The type of an answer, or the code of an error. */
export const nameOf = (answer: ServerFrame | undefined) =>
  answer?.type === 'error' ? answer.code : (answer?.type ?? 'none');

/** What is wrong with an answer, if anything is. */
export function problemOf(answer: ServerFrame | undefined): string | undefined {
  if (answer?.type !== 'error') return undefined;
  const { code, message, retryable } = answer;
  if (!Object.hasOwn(errorCodes, code) || retryable !== errorCodes[code].retryable)
    return `The code ${code} is unknown, or retryable is wrong.`;
  if (code === 'INTERNAL' || code === 'UNAVAILABLE') return `The answer is ${code}: ${message}`;
  return internal.some((words) => words.test(message)) ? `The answer has internal text: ${message}` : undefined;
}

/**
 * What a refused frame changed although it may not. It may leave the entry of the audit trail that records its refusal.
 *
 * @param sessionIds the sessions that exist. An entry of another one is no record of a refusal.
 */
export function withoutRefusalEntry(changes: string[], sessionIds: readonly string[]): string[] {
  const isEntry = (change: string) =>
    refusalEntry.test(change) && sessionIds.some((id) => change.includes(`"session_id": "${id}"`));
  return changes.some(isEntry) ? changes.filter((change) => !isEntry(change) && !ticket.test(change)) : changes;
}
