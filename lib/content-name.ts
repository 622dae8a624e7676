import { createHash } from 'node:crypto';

const digestCharacters = 8;

/**
 * A digest of values, the same for the same values in any order of keys.
 *
 * @param values JSON values, as they are in the template.
 */
export function digestOf(values: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(values)))
    .digest('hex')
    .slice(0, digestCharacters);
}

/**
 * A name for a resource whose name is fixed in the template. CloudFormation creates the replacement of a resource before it
 * deletes the old one, so a replacement with the same name fails. This name ends with a digest of the properties that
 * force a replacement, so it changes exactly when the resource is replaced.
 *
 * @param prefix must be different for each resource of an account and region.
 * @param replaceOnly the properties that force a replacement, by the names that the template uses.
 */
export function contentName(prefix: string, replaceOnly: Record<string, unknown>): string {
  return `${prefix}-${digestOf(replaceOnly)}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}
