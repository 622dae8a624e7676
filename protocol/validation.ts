import * as z from 'zod/mini';
import { en } from 'zod/v4/locales';
import { findUnacceptable } from './text.ts';

// zod/mini has no error texts of its own. The whole zod is fifteen times larger.
z.config(en());

/** For `z.superRefine`: reports what {@link findUnacceptable} finds, with its path. */
export function refuseUnacceptable(value: unknown, context: z.core.$RefinementCtx): void {
  const found = findUnacceptable(value);
  if (found) context.addIssue({ code: 'custom', path: found.path, message: found.message });
}

/**
 * Checks an object with free fields, but returns the input itself and not zod's copy.
 *
 * Zod's copy lacks a field named `__proto__`, so the service would store less than it acknowledges.
 */
export function keepInput<T extends z.ZodMiniType>(schema: T): z.ZodMiniType<z.output<T>> {
  const kept = z.custom<z.output<T>>().check(
    z.superRefine((value, context) => {
      const { error } = schema.safeParse(value);
      for (const issue of error?.issues ?? []) context.addIssue({ ...issue });
    }),
  );
  innerSchemas.set(kept, schema);
  return kept;
}

const innerSchemas = new WeakMap<object, z.ZodMiniType>();

/** The schema that {@link keepInput} was given; undefined for any other schema. A description of the messages needs it. */
export function innerSchemaOf(schema: object): z.ZodMiniType | undefined {
  return innerSchemas.get(schema);
}
