/** The fields of an access log line of the WebSocket API. The query string is left out, because it can contain a token. */
export const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  connectionId: '$context.connectionId',
  status: '$context.status',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};
