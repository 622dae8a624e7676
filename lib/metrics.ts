import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricDimension, metricNamespace, metricUnits } from '../protocol/metrics.ts';
import type { HttpApi } from './http-api.ts';
import type { Cache, Database } from './stores.ts';
import type { WebSocketApi } from './websocket-api.ts';

/** The interval of the metrics and of what the alarms compare. */
export const period = Duration.minutes(5);

/** Metrics in CloudWatch, each over five minutes. The functions have theirs too: `functions.cursor.function.metricErrors()`. */
export interface Metrics {
  /** Messages in both directions. */
  messages: cloudwatch.IMetric;
  /** Connections that were opened. */
  connections: cloudwatch.IMetric;
  /** Messages and handshakes that the WebSocket API refused. */
  clientErrors: cloudwatch.IMetric;
  /** Calls of functions that the WebSocket API could not make. */
  executionErrors: cloudwatch.IMetric;
  /** Calls of functions that failed. */
  integrationErrors: cloudwatch.IMetric;
  /** Answers of the HTTP API with a status of 500 or above. */
  httpErrors: cloudwatch.IMetric;
  /** CPU of PostgreSQL in percent. Undefined if the instance is not known. */
  databaseCpu: cloudwatch.IMetric | undefined;
  /** The most connections to PostgreSQL. Undefined if the instance is not known. */
  databaseConnections: cloudwatch.IMetric | undefined;
  /** The most connections to Redis. Undefined if the cache is not known to be serverless. */
  cacheConnections: cloudwatch.IMetric | undefined;
  /** Commands that Redis refused at its limit. Undefined if the cache is not known to be serverless. */
  cacheThrottled: cloudwatch.IMetric | undefined;
  /** What the functions measure themselves; `docs/operations.md` says what each one means. */
  service: Record<MetricName, cloudwatch.Metric>;
}

/** How the values of an interval are summed up. `docs/operations.md` has the same table. */
const statisticOf: Record<MetricName, string> = {
  activeUsers: 'Maximum',
  activeSessions: 'Maximum',
  averageLatency: 'Average',
  heartbeatsMissed: 'Sum',
  redisConnections: 'Maximum',
  errorRate: 'Average',
  deliveryLatency: 'p95',
  posts: 'Sum',
  postsGone: 'Sum',
  postsThrottled: 'Sum',
  postsFailed: 'Sum',
  mergedShare: 'Average',
  outboxDepth: 'Maximum',
  outboxAge: 'Maximum',
  sweepLag: 'Maximum',
  redisAway: 'Average',
  handshakesRefused: 'Sum',
  handshakesFailed: 'Sum',
  dollarsPerHour: 'Maximum',
  restraint: 'Maximum',
  webhooksDelivered: 'Sum',
  webhooksFailed: 'Sum',
  webhooksDead: 'Sum',
  webhooksDisabled: 'Sum',
  webhooksAge: 'Maximum',
  livenessHits: 'Sum',
  livenessMisses: 'Sum',
  livenessBeats: 'Sum',
  livenessSkipped: 'Sum',
};

/** The metrics of the APIs and of the stores whose names are known. */
export function metricsOf(parts: {
  webSocketApi: WebSocketApi;
  httpApi: HttpApi;
  database: Database;
  cache: Cache;
}): Metrics {
  const { webSocketApi, httpApi, database, cache } = parts;
  const webSocket = (metricName: string) =>
    new cloudwatch.Metric({
      namespace: 'AWS/ApiGateway',
      metricName,
      dimensionsMap: { ApiId: webSocketApi.api.apiId },
      statistic: 'Sum',
      period,
    });
  const ofCache = (metricName: string, statistic: string) =>
    cache.cacheName === undefined
      ? undefined
      : new cloudwatch.Metric({
          namespace: 'AWS/ElastiCache',
          metricName,
          // The dimension of serverless caches. CloudFormation has another name for the same value.
          dimensionsMap: { clusterId: cache.cacheName },
          statistic,
          period,
        });
  return {
    messages: webSocket('MessageCount'),
    connections: webSocket('ConnectCount'),
    clientErrors: webSocket('ClientError'),
    executionErrors: webSocket('ExecutionError'),
    integrationErrors: webSocket('IntegrationError'),
    httpErrors: httpApi.api.metricServerError({ period, statistic: 'Sum' }),
    databaseCpu: database.instance?.metricCPUUtilization({ period }),
    databaseConnections: database.instance?.metricDatabaseConnections({ period, statistic: 'Maximum' }),
    cacheConnections: ofCache('CurrConnections', 'Maximum'),
    cacheThrottled: ofCache('ThrottledCmds', 'Sum'),
    service: serviceMetrics(Stack.of(webSocketApi).stackName),
  };
}

function serviceMetrics(stackName: string): Record<MetricName, cloudwatch.Metric> {
  const of = (metricName: MetricName) =>
    new cloudwatch.Metric({
      namespace: metricNamespace(stackName),
      metricName,
      dimensionsMap: { ...metricDimension },
      statistic: statisticOf[metricName],
      period,
    });
  const names = Object.keys(metricUnits) as MetricName[];
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<MetricName, cloudwatch.Metric>;
}
