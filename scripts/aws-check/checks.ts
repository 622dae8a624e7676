import type { SpecDatabase } from '@aws-cdk/service-spec-types';
import type { HandlerName } from '../../lib/handlers.ts';
import { checkAlarmTopics } from './alarm-topics.ts';
import { checkCycles } from './cycles.ts';
import { checkFixedNames } from './fixed-names.ts';
import { checkLogRetention } from './log-retention.ts';
import { checkPermissions, type Use } from './permissions.ts';
import { checkReferences } from './references.ts';
import { checkSchema } from './schema.ts';
import type { Finding, Template } from './template.ts';
import { checkTriggers } from './triggers.ts';
import { checkVpcRoutes } from './vpc-routes.ts';

/** What the checks know besides the template. */
export interface Knowledge {
  /** The schemas that AWS publishes. */
  spec: SpecDatabase;
  /** What the bundle of each handler does. */
  uses: ReadonlyMap<HandlerName, readonly Use[]>;
}

/** Everything that is wrong with a template. */
export function checkTemplate(template: Template, { spec, uses }: Knowledge): Finding[] {
  return [
    ...checkSchema(template, spec),
    ...checkReferences(template, spec),
    ...checkCycles(template),
    ...checkAlarmTopics(template),
    ...checkVpcRoutes(template),
    ...checkFixedNames(template, spec),
    ...checkTriggers(template),
    ...checkLogRetention(template),
    ...checkPermissions(template, uses),
  ];
}
