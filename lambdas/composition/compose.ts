import type { Services } from '../services/services.ts';

/** How the services of one function are made; each is asked for when it is used. */
export type Parts = { readonly [Name in keyof Services]?: () => Services[Name] };

/**
 * The services of a function that needs only some of them. What it does not name is not in its bundle, so it needs neither the
 * variables nor the permissions of that. `test/lib/function-environment.test.ts` checks that a function names every service
 * that its code uses.
 *
 * @throws Error at the first use of a service that is not among the parts.
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
