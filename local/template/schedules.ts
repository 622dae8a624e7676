import { functionName } from './local-account.ts';
import type { Resolver } from './resolver.ts';

export interface ScheduleDefinition {
  /** Name of the rule and its logical id; a manual firing accepts both. */
  name: string;
  logicalId: string;
  expression: string;
  /** The invoked functions, each with the constant input of its target, if any. */
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
