import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { setAsideMessage, withoutCredentials } from '../lambdas/platform/environment.ts';
import { metricNamespace } from '../protocol/metrics.ts';
import type { HandlerName } from './handlers.ts';
import type { HttpApi } from './http-api.ts';
import type { RollcallFunction } from './lambda-function.ts';
import { type Metrics, metricsOf, period } from './metrics.ts';
import { serviceSignals } from './service-alarms.ts';
import type { Sizes } from './settings.ts';
import type { Signal } from './signal.ts';
import type { Cache, Database } from './stores.ts';
import type { Functions, WebSocketApi } from './websocket-api.ts';

export interface ObservabilityProps {
  sizes: Sizes;
  functions: Functions;
  webSocketApi: WebSocketApi;
  httpApi: HttpApi;
  database: Database;
  cache: Cache;
  /** The topic of the alarms. Default: a topic of its own. */
  alarmTopic?: sns.ITopic | undefined;
}

/** A dashboard of what users notice, and alarms for what an operator must act on. */
export class Observability extends Construct {
  /** The topic to which the alarms publish. Undefined if there are no alarms. */
  readonly alarmTopic: sns.ITopic | undefined;
  /** What the dashboard shows, for widgets and alarms of your own. */
  readonly metrics: Metrics;
  /** The alarms of the functions, by their handlers. Empty if there are no alarms. */
  readonly functionAlarms = new Map<HandlerName, cloudwatch.Alarm>();
  private readonly props: ObservabilityProps;

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id);
    this.props = props;
    this.metrics = metricsOf(props);
    this.createDashboard();
    if (!props.sizes.alarms) return;
    this.alarmTopic = props.alarmTopic ?? this.createTopic();
    this.createAlarms(this.alarmTopic);
  }

  private createTopic(): sns.ITopic {
    const topic = new sns.Topic(this, 'Alarms', { displayName: 'Rollcall alarms', enforceSSL: true });
    letAlarmsPublish(topic);
    return topic;
  }

  private createAlarms(topic: sns.ITopic): void {
    for (const [name, signal] of Object.entries(this.signals())) {
      const { metric, threshold, means, periods = 1, datapoints = periods, handler } = signal;
      const alarm = new cloudwatch.Alarm(this, name, {
        metric,
        threshold,
        evaluationPeriods: periods,
        datapointsToAlarm: datapoints,
        alarmDescription: `${means} Runbook: docs/operations.md#alarm-${(handler ? 'function' : name).toLowerCase()}`,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: signal.missing ?? cloudwatch.TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(new SnsAction(topic));
      if (handler) this.functionAlarms.set(handler, alarm);
    }
  }

  private signals(): Record<string, Signal> {
    const { executionErrors, httpErrors } = this.metrics;
    return {
      ...this.functionSignals(),
      ...this.storeSignals(),
      ...serviceSignals(this.metrics),
      WebSocketErrors: {
        metric: executionErrors,
        threshold: 5,
        means: 'The WebSocket API could not call a function: look at its access log.',
      },
      HttpErrors: {
        metric: httpErrors,
        threshold: 5,
        means: 'The HTTP API answers 5xx: look at /health and the log of the function http.',
      },
      RowsSetAside: {
        metric: this.rowsSetAside(),
        threshold: 1,
        means: 'A sweep cannot process a row: read the table sweep_set_aside and the log of the sweeps.',
      },
    };
  }

  /** Signals of the stores that have metrics. */
  private storeSignals(): Record<string, Signal> {
    const { databaseCpu, databaseConnections, cacheThrottled } = this.metrics;
    const { manyConnections } = this.props.database;
    const signals: Record<string, Signal> = {};
    if (databaseCpu) {
      signals['DatabaseBusy'] = {
        metric: databaseCpu,
        threshold: 80,
        periods: 3,
        means: 'PostgreSQL is busy: find the slow query, or choose a larger instance class.',
      };
    }
    if (databaseConnections && manyConnections !== undefined) {
      signals['DatabaseConnections'] = {
        metric: databaseConnections,
        threshold: manyConnections,
        means: 'PostgreSQL is running out of connections: lower the concurrency or add RDS Proxy.',
      };
    }
    if (cacheThrottled) {
      signals['CacheThrottled'] = {
        metric: cacheThrottled,
        threshold: 1,
        means: 'Redis refuses commands at its limit of ECPU a second: find who sends them, or raise the limit.',
      };
    }
    return signals;
  }

  /** Counts the lines of the sweeps about rows that they set aside. */
  private rowsSetAside(): cloudwatch.Metric {
    const { functions } = this.props;
    const [metric] = [functions['timeout-sweep'], functions['cleanup-sweep'], functions['webhook-sweep']].map((fn) => {
      const filter = new logs.MetricFilter(this, `SetAside-${fn.handler}`, {
        logGroup: fn.logGroup,
        filterPattern: logs.FilterPattern.stringValue('$.message', '=', setAsideMessage),
        metricNamespace: metricNamespace(Stack.of(this).stackName),
        metricName: 'RowsSetAside',
      });
      return filter.metric({ statistic: 'Sum', period });
    });
    return metric!;
  }

  /** One alarm for errors and throttles of a function, because both mean that a request got no answer. */
  private functionSignals(): Record<string, Signal> {
    const signals = Object.values(this.props.functions).map((fn) => [`Function-${fn.handler}`, functionSignal(fn)]);
    const { authorizer } = this.props.functions;
    return { ...Object.fromEntries(signals), 'Function-authorizer': this.authorizerSignal(authorizer) };
  }

  /**
   * The authorizer answers 401 by an error that Lambda counts. Anybody can cause it, so the alarm subtracts these answers.
   * It waits for a second period, because an error and its log line may count in two periods.
   */
  private authorizerSignal(authorizer: RollcallFunction): Signal {
    const filter = new logs.MetricFilter(this, 'WithoutCredentials', {
      logGroup: authorizer.logGroup,
      filterPattern: logs.FilterPattern.stringValue('$.message', '=', withoutCredentials),
      metricNamespace: metricNamespace(Stack.of(this).stackName),
      metricName: 'HandshakesWithoutCredentials',
    });
    const refused = filter.metric({ statistic: 'Sum', period });
    return functionSignal(authorizer, 'errors + throttles - FILL(refused, 0)', { refused }, 2);
  }

  private createDashboard(): void {
    const { metrics } = this;
    const known = (...each: (cloudwatch.IMetric | undefined)[]) => each.filter((metric) => metric !== undefined);
    const stores: [title: string, metrics: cloudwatch.IMetric[]][] = [
      ['PostgreSQL', known(metrics.databaseCpu, metrics.databaseConnections)],
      ['Redis', known(metrics.cacheConnections, metrics.cacheThrottled)],
    ];
    const { functions } = this.props;
    const all = Object.values(functions);
    const graph = (title: string, left: cloudwatch.IMetric[]) =>
      new cloudwatch.GraphWidget({ title, left, width: 12, period });
    const dashboard = new cloudwatch.Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(6) });
    dashboard.addWidgets(
      graph('Messages and connections', [metrics.messages, metrics.connections]),
      graph('Errors of the APIs', [
        metrics.clientErrors,
        metrics.executionErrors,
        metrics.integrationErrors,
        metrics.httpErrors,
      ]),
      graph(
        'Duration of a run (p95)',
        all.map((fn) => fn.function.metricDuration({ statistic: 'p95', label: fn.handler })),
      ),
      graph(
        'Failed runs',
        all.map((fn) => fn.function.metricErrors({ label: fn.handler })),
      ),
      ...this.serviceGraphs(graph),
      ...stores.filter(([, shown]) => shown.length > 0).map(([title, shown]) => graph(title, shown)),
    );
  }

  private serviceGraphs(graph: (title: string, left: cloudwatch.IMetric[]) => cloudwatch.GraphWidget) {
    const { service: own } = this.metrics;
    return [
      graph('Users and sessions', [own.activeUsers, own.activeSessions, own.heartbeatsMissed]),
      graph('Latency in milliseconds', [own.deliveryLatency, own.averageLatency, own.sweepLag]),
      graph('Posts', [own.posts, own.postsGone, own.postsThrottled, own.postsFailed]),
      graph('Share in percent', [own.errorRate, own.redisAway, own.mergedShare]),
      graph('Handshakes that did not succeed', [own.handshakesRefused, own.handshakesFailed]),
      graph('Outbox', [own.outboxDepth, own.outboxAge]),
      graph('Dollars an hour', [own.dollarsPerHour, own.restraint]),
      graph('Connections of Redis', [own.redisConnections]),
    ];
  }
}

function functionSignal(
  fn: RollcallFunction,
  expression = 'errors + throttles',
  more: Record<string, cloudwatch.IMetric> = {},
  periods = 1,
): Signal {
  const usingMetrics = {
    errors: fn.function.metricErrors({ period }),
    throttles: fn.function.metricThrottles({ period }),
    ...more,
  };
  const label = `${fn.handler}: errors and throttles`;
  return {
    metric: new cloudwatch.MathExpression({ expression, usingMetrics, label, period }),
    threshold: 1,
    means: `The function ${fn.handler} failed, timed out or was throttled: look at its log.`,
    periods,
    handler: fn.handler,
  };
}

/**
 * Lets the alarms of this account publish to the topic. `enforceSSL` creates a policy that only denies, and that policy
 * replaces the default one, which lets the account publish.
 */
function letAlarmsPublish(topic: sns.Topic): void {
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'AllowAlarms',
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(topic).account } },
    }),
  );
}
