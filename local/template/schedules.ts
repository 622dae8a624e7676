import { functionName } from './place.ts';
import type { Resolver } from './resolver.ts';

export interface ScheduleDefinition {
  /** Name of the rule, and its logical id, either of which fires it by hand. */
  name: string;
  logicalId: string;
  expression: string;
  /** Functions that are invoked, each with its constant input where the target has one. */
  targets: { functionName: string; input: unknown }[];
}

/** Reads the enabled EventBridge rules that have a schedule. */
export function readSchedules(resolver: Resolver): ScheduleDefinition[] {
  return resolver
    .resourcesOfType('AWS::Events::Rule')
    .filter(({ properties }) => properties['ScheduleExpression'] && properties['State'] !== 'DISABLED')
    .map(({ logicalId, reference, properties }) => ({
      name: reference,
      logicalId,
      expression: String(properties['ScheduleExpression']),
      targets: ((properties['Targets'] ?? []) as { Arn: string; Input?: string }[])
        .filter(({ Arn }) => Arn.includes(':function:'))
        .map(({ Arn, Input }) => ({ functionName: functionName(Arn), input: Input && JSON.parse(Input) })),
    }));
}
