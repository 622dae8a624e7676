/**
 * The metrics that the functions write, with their units in CloudWatch. The only dimension is the service, so that their number,
 * and their price, does not grow with users and sessions. `docs/operations.md` says what each one means.
 */
export const metricUnits = {
  activeUsers: 'Count',
  activeSessions: 'Count',
  averageLatency: 'Milliseconds',
  heartbeatsMissed: 'Count',
  redisConnections: 'Count',
  errorRate: 'Percent',
  deliveryLatency: 'Milliseconds',
  posts: 'Count',
  postsGone: 'Count',
  postsThrottled: 'Count',
  postsFailed: 'Count',
  mergedShare: 'Percent',
  outboxDepth: 'Count',
  outboxAge: 'Seconds',
  sweepLag: 'Milliseconds',
  redisAway: 'Percent',
  handshakesRefused: 'Count',
  handshakesFailed: 'Count',
  livenessHits: 'Count',
  livenessMisses: 'Count',
  livenessSkipped: 'Count',
  livenessBeats: 'Count',
  webhooksDelivered: 'Count',
  webhooksFailed: 'Count',
  webhooksDead: 'Count',
  webhooksDisabled: 'Count',
  webhooksAge: 'Seconds',
  dollarsPerHour: 'None',
  restraint: 'None',
} as const;

export type MetricName = keyof typeof metricUnits;

/** The dimension of all metrics, and its value. */
export const metricDimension = { service: 'rollcall' } as const;

/** The namespace of the metrics of a stack. */
export function metricNamespace(stackName: string): string {
  return `Rollcall/${stackName}`;
}
