import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import type { HandlerName } from '../../lib/handlers.ts';
import { checkAlarmTopics } from './alarm-topics.ts';
import { checkAliases } from './aliases.ts';
import { checkCycles } from './cycles.ts';
import { checkDatabaseLogins } from './database-logins.ts';
import { checkFixedNames } from './fixed-names.ts';
import { checkLogRetention } from './log-retention.ts';
import { checkPermissions, type Use } from './permissions.ts';
import { checkReferences } from './references.ts';
import { checkSchema } from './schema.ts';
import type { Finding, Template } from './template.ts';
import { checkTriggers } from './triggers.ts';
import { checkVpcRoutes } from './vpc-routes.ts';

/** The data of the checks in addition to the template. */
export interface Knowledge {
  /** The resource schemas that AWS publishes. */
  spec: SpecDatabase;
  /** The AWS actions that the bundle of each handler uses. */
  uses: ReadonlyMap<HandlerName, readonly Use[]>;
}

/** All findings in a template. */
export function checkTemplate(template: Template, { spec, uses }: Knowledge): Finding[] {
  return [
    ...checkSchema(template, spec),
    ...checkReferences(template, spec),
    ...checkCycles(template),
    ...checkAlarmTopics(template),
    ...checkAliases(template),
    ...checkVpcRoutes(template),
    ...checkFixedNames(template, spec),
    ...checkTriggers(template),
    ...checkLogRetention(template),
    ...checkPermissions(template, uses),
    ...checkDatabaseLogins(template),
  ];
}
