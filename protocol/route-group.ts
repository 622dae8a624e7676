/** The groups of routes. One Lambda function serves each group. */
export type RouteGroup = 'default' | 'heartbeat' | 'cursor' | 'presence' | 'session' | 'activity' | 'machine';
