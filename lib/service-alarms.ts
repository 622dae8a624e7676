import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../protocol/metrics.ts';
import type { Metrics } from './metrics.ts';
import type { Signal } from './signal.ts';

const minute = Duration.minutes(1);

/**
 * Alarms about what users notice, from the metrics that the functions write. Each looks at some minutes, so that a short
 * disturbance, which the service survives by itself, wakes nobody up.
 */
export function serviceSignals({ service }: Pick<Metrics, 'service'>): Record<string, Signal> {
  const eachMinute = (name: MetricName) => service[name].with({ period: minute });
  return {
    ErrorRate: {
      metric: eachMinute('errorRate'),
      threshold: 5,
      periods: 5,
      datapoints: 3,
      means: 'The service cannot serve five percent of the requests.',
    },
    DeliverySlow: {
      metric: eachMinute('deliveryLatency'),
      threshold: 2000,
      periods: 5,
      datapoints: 5,
      means: 'Cursors and presence reach others after more than two seconds.',
    },
    SweepLate: {
      metric: eachMinute('sweepLag'),
      threshold: 5000,
      periods: 5,
      datapoints: 4,
      // Each sweep writes the metric, one a minute, even if nobody is present. Without it no sweep runs.
      missing: cloudwatch.TreatMissingData.BREACHING,
      means: 'The timeout sweep is more than five seconds late or does not run, so leaves are announced late.',
    },
    OutboxOld: {
      metric: eachMinute('outboxAge'),
      threshold: 300,
      periods: 3,
      means: 'Acknowledged activity waits for PostgreSQL for more than five minutes.',
    },
    HandshakesFail: {
      metric: eachMinute('handshakesFailed'),
      threshold: 5,
      periods: 5,
      datapoints: 3,
      means: 'Users cannot connect, because a handshake cannot be decided.',
    },
    RedisAway: {
      metric: eachMinute('redisAway'),
      threshold: 50,
      periods: 3,
      datapoints: 2,
      means: 'Redis does not answer, so presence stands still.',
    },
    WebhooksLate: {
      metric: eachMinute('webhooksAge'),
      threshold: 300,
      periods: 3,
      means: 'Webhooks that are due wait for more than five minutes, because nothing sends them.',
    },
    WebhookDisabled: {
      metric: service.webhooksDisabled,
      threshold: 1,
      means: 'The service disabled a webhook endpoint, because it is gone or failed for three days.',
    },
  };
}
