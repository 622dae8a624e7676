import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricDimension, metricUnits } from '../../protocol/metrics.ts';
import { environmentNames } from './environment.ts';
import { type Measured, Meter } from './meter.ts';
import { once } from './once.ts';

/** Its log lines are in the embedded metric format, of which CloudWatch makes metrics. */
const powertools = once(() => {
  const namespace = process.env[environmentNames.metricsNamespace] || 'Rollcall';
  return new Metrics({ namespace, serviceName: metricDimension.service });
});

function write(measured: Measured): void {
  const line = powertools();
  for (const [name, values] of measured)
    for (const value of values) line.addMetric(name, metricUnits[name], Math.round(value * 100) / 100);
  // The function is a field of the line and no dimension, so it costs nothing.
  line.addMetadata('function', process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? '');
  line.publishStoredMetrics();
}

/** The metrics of this execution environment. */
export const metrics = new Meter(write);
