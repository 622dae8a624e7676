/** An alarm as it is in a template. */
export interface AlarmDefinition {
  Threshold: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  ComparisonOperator: string;
  TreatMissingData?: string;
  Metrics?: {
    Id: string;
    Expression?: string;
    ReturnData?: boolean;
    MetricStat?: { Metric: { MetricName: string } };
  }[];
  MetricName?: string;
}

/** The value of each metric in one period, by the name of the metric. Without a value the metric has no data. */
export type Period = Readonly<Record<string, number>>;

/**
 * The state of an alarm after these periods, the latest one last, by the rules of CloudWatch: it rings if at least
 * `DatapointsToAlarm` of the last `EvaluationPeriods` values reach the threshold. A period without a value counts as
 * `TreatMissingData` says.
 */
export function rings(alarm: AlarmDefinition, periods: readonly Period[]): boolean {
  if (alarm.ComparisonOperator !== 'GreaterThanOrEqualToThreshold') {
    throw new Error(`The evaluator does not know ${alarm.ComparisonOperator}.`);
  }
  if (!['breaching', 'notBreaching'].includes(alarm.TreatMissingData ?? '')) {
    throw new Error(`The evaluator does not know missing data as ${alarm.TreatMissingData}.`);
  }
  const last = periods.slice(-alarm.EvaluationPeriods);
  const breaching = last.filter((period) => {
    const value = measuredIn(alarm, period);
    return value === undefined ? alarm.TreatMissingData === 'breaching' : value >= alarm.Threshold;
  });
  return breaching.length >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods);
}

function measuredIn({ MetricName, Metrics = [] }: AlarmDefinition, period: Period): number | undefined {
  if (MetricName !== undefined) return period[MetricName];
  const expression = Metrics.find(({ Expression }) => Expression !== undefined)!.Expression!;
  const nameOf = (id: string) => Metrics.find(({ Id }) => Id === id)!.MetricStat!.Metric.MetricName;
  let sum = 0;
  // A sum or difference of metrics. It has a value only if each metric has one, or `FILL` gives it one.
  for (const [, sign, filled, fill, plain] of expression.matchAll(/([+-])?\s*(?:FILL\((\w+), (\d+)\)|(\w+))/g)) {
    const value = period[nameOf((filled ?? plain)!)] ?? (fill === undefined ? undefined : Number(fill));
    if (value === undefined) return undefined;
    sum += sign === '-' ? -value : value;
  }
  return sum;
}

/** The names of the metrics that an alarm compares. */
export function metricsOf({ MetricName, Metrics = [] }: AlarmDefinition): string[] {
  if (MetricName !== undefined) return [MetricName];
  return Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []);
}
