/** Makes a value at its first use and keeps it for the life of the execution environment. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** An environment variable the stack must have set. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`The environment variable ${name} is missing: the stack did not grant this function access.`);
  return value;
}
