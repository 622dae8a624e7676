import { z } from 'zod';

/**
 * Which text and which values the service accepts, for every field of every message and every parameter of the HTTP API.
 * What it acknowledges is what it stores, so it refuses what a store would change or could not hold.
 */

/** Where something unacceptable is, and what is wrong with it. */
export interface Unacceptable {
  /** Keys and indexes from the outermost value inwards. */
  path: string[];
  /** The rest of a sentence that begins with the name of the field. */
  message: string;
}

/**
 * What makes a text unacceptable; undefined for one that is fine.
 *
 * PostgreSQL's `text` and `jsonb` cannot hold U+0000. Half of a surrogate pair has no UTF-8: it would be stored as U+FFFD,
 * and neither `jsonb` nor the scripts in Redis can read it.
 */
export function textProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'must not contain the character U+0000';
  return text.isWellFormed() ? undefined : 'must be well-formed Unicode text';
}

/**
 * Looks for the first unacceptable text, key or number anywhere in a value that came from JSON.
 *
 * A number too large for a double (`1e400`) is read as Infinity, which JSON writes as `null`.
 */
export function findUnacceptable(value: unknown): Unacceptable | undefined {
  if (typeof value === 'string') return problemAt(textProblem(value));
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : problemAt('must be a finite number');
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const ofKey = textProblem(key);
    if (ofKey) return { path: [], message: `a field's name ${ofKey}` };
    const found = findUnacceptable(inner);
    if (found) return { ...found, path: [key, ...found.path] };
  }
  return undefined;
}

function problemAt(message: string | undefined): Unacceptable | undefined {
  return message === undefined ? undefined : { path: [], message };
}

/** For `.superRefine`: refuses a value in which {@link findUnacceptable} finds something, and names the place. */
export function refuseUnacceptable(value: unknown, context: z.RefinementCtx): void {
  const found = findUnacceptable(value);
  if (found) context.addIssue({ code: 'custom', path: found.path, message: found.message });
}

/**
 * An object with free fields, checked by the schema and handed on as it came.
 *
 * The object that zod builds lacks a field named `__proto__`, so that the service would store less than it acknowledges.
 */
export function asItCame<T extends z.ZodType>(schema: T): z.ZodType<z.output<T>> {
  return z.custom<z.output<T>>().superRefine((value, context) => {
    const { error } = schema.safeParse(value);
    for (const issue of error?.issues ?? []) context.addIssue({ ...issue });
  });
}
