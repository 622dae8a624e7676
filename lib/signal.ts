import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { HandlerName } from './handlers.ts';

/** What an alarm compares. */
export interface Signal {
  metric: cloudwatch.IMetric;
  threshold: number;
  /** What the alarm means; shown to the operator with the address of the runbook. */
  means: string;
  /** How many periods of the metric are looked at. Default: 1. */
  periods?: number;
  /** In how many of them the threshold must be reached. Default: in all. */
  datapoints?: number;
  /** What a period without data means. Default: nothing is wrong. */
  missing?: cloudwatch.TreatMissingData;
  /** The function whose failures it counts. */
  handler?: HandlerName;
}
