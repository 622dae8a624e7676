/**
 * Stands for an object whose code is loaded at its first call. So a function that seldom needs the object starts without its
 * code.
 *
 * Only methods that return promises can be called: a caller of any other method would get a promise too.
 *
 * @param load imports the code and makes the object. A failed load is tried again with the next call.
 */
export function lazily<T extends object>(load: () => Promise<T>): T {
  let loading: Promise<T> | undefined;
  const loaded = () => {
    loading ??= load().catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return new Proxy({} as T, {
    get: (_, name) => {
      // Whatever is awaited is asked for `then`; this object is no promise.
      if (name === 'then' || typeof name === 'symbol') return undefined;
      return async (...parameters: unknown[]) => {
        const target = await loaded();
        const answer = (target as Record<string, (...given: unknown[]) => unknown>)[name]!(...parameters);
        if (answer instanceof Promise) return answer;
        throw new Error(`The method ${name} returns no promise, so its object must not be loaded at the first call.`);
      };
    },
  });
}
