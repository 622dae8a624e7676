import type { Services } from '../services/services.ts';

/** How each service of one function is made. A service is made at its first use. */
export type Parts = { readonly [Name in keyof Services]?: () => Services[Name] };

/**
 * The services of a function that needs only some of them. The bundle of the function contains only the named services, so
 * the function needs no variables and permissions of the others. `test/lib/function-environment.test.ts` checks that a
 * function names every service that its code uses.
 *
 * @throws Error at the first use of a service that is not named.
 */
export function compose(parts: Parts): Services {
  return new Proxy(parts, {
    get(target, name) {
      const make = target[name as keyof Services];
      if (!make) throw new Error(`The function uses the service ${String(name)} and does not compose it.`);
      return make();
    },
  }) as unknown as Services;
}
