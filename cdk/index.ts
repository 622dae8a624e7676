import { join } from 'node:path';
import type { Construct } from 'constructs';
import { type RollcallProps as PropsWithBundles, Rollcall as RollcallWithBundles } from '../lib/rollcall.ts';

/** What a Rollcall takes. Only `identity` is required. */
export interface RollcallProps extends Omit<PropsWithBundles, 'bundleOf'> {}

/**
 * The whole product on AWS: stores, functions, APIs and schedules, and the permissions of each function. The functions are in
 * this package, bundled. A stack has at most one.
 *
 * @throws Error with a sentence for the user if a setting is invalid or the stack has another one.
 */
export class Rollcall extends RollcallWithBundles {
  constructor(scope: Construct, id: string, props: RollcallProps) {
    super(scope, id, { ...props, bundleOf: (handler) => join(import.meta.dirname, 'handlers', handler) });
  }
}

export type { DomainProps } from '../lib/domain.ts';
export type { ExistingCacheProps, ExistingDatabaseProps } from '../lib/existing-stores.ts';
export type { HandlerName } from '../lib/handlers.ts';
export type { Identity } from '../lib/identity-provider.ts';
export type { Metrics } from '../lib/metrics.ts';
export { type Sizes, sizes, type Throttle } from '../lib/settings.ts';
export type { UserPoolProps } from '../lib/user-pool.ts';
export type { SettingName } from '../protocol/timings.ts';
