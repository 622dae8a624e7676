import { Match } from 'aws-cdk-lib/assertions';
import { sizes } from '../../lib/settings.ts';
import { messages, messageTypes } from '../../protocol/messages.ts';
import { listed, SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');

const [apiId] = dev.ofType('AWS::ApiGatewayV2::Api').find(([, api]) => api.Properties['ProtocolType'] === 'WEBSOCKET')!;
const routes = new Map(
  dev
    .ofType('AWS::ApiGatewayV2::Route')
    .filter(([, route]) => JSON.stringify(route.Properties['ApiId']) === JSON.stringify({ Ref: apiId }))
    .map(([id, route]) => [route.Properties['RouteKey'] as string, { id, ...route.Properties }]),
);

/** The handler that serves a route, found as API Gateway does. */
function servedBy(routeKey: string): string {
  const target = JSON.stringify(routes.get(routeKey)!['Target' as never]);
  const [, integration] = dev.ofType('AWS::ApiGatewayV2::Integration').find(([id]) => target.includes(`"${id}"`))!;
  const functionId = /"(\w+Function[0-9A-F]{8}|\w+Function\w+)","Arn"/.exec(
    JSON.stringify(integration.Properties),
  )![1]!;
  return functionId
    .replace(/Function.*$/, '')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase();
}

function hasResponse(routeKey: string): boolean {
  const route = routes.get(routeKey)!;
  const response = dev
    .ofType('AWS::ApiGatewayV2::RouteResponse')
    .some(([, { Properties }]) => JSON.stringify(Properties['RouteId']) === JSON.stringify({ Ref: route.id }));
  expect(response).toBe('RouteResponseSelectionExpression' in route);
  return response;
}

test('every message type of the protocol is a route, and nothing else is', () => {
  expect([...routes.keys()].sort()).toEqual([...messageTypes, '$connect', '$disconnect', '$default'].sort());
});

test.each(messageTypes)('%s goes to the function of its group', (type) => {
  expect(servedBy(type)).toBe(messages[type].group);
});

test('[DE10] routes that answer have a route response; heartbeat and cursor_update have none', () => {
  for (const type of messageTypes) expect([type, hasResponse(type)]).toEqual([type, messages[type].responds]);
  expect(hasResponse('heartbeat')).toBe(false);
  expect(hasResponse('cursor_update')).toBe(false);
  expect(hasResponse('$default')).toBe(true);
});

test.each(['$connect', '$disconnect', '$default'])('%s goes to the function of its name', (routeKey) => {
  expect(servedBy(routeKey)).toBe(routeKey.slice(1));
});

test('API Gateway may call the function of each route', () => {
  for (const routeKey of routes.keys()) {
    const permitted = dev.ofType('AWS::Lambda::Permission').some(([, permission]) => {
      const source = JSON.stringify(permission.Properties['SourceArn']);
      return source.includes(`"${apiId}"`) && source.endsWith(`/*${routeKey}"]]}`);
    });
    expect([routeKey, permitted]).toEqual([routeKey, true]);
  }
});

test('the type in the body selects the route', () => {
  dev.template.hasResourceProperties('AWS::ApiGatewayV2::Api', { RouteSelectionExpression: '$request.body.type' });
});

test('the authorizer is called at $connect, also without an identity source', () => {
  expect(routes.get('$connect')).toMatchObject({ AuthorizationType: 'CUSTOM' });
  dev.template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
    AuthorizerType: 'REQUEST',
    IdentitySource: [],
  });
});

test('the stage is named live, is throttled and does not log the query string, which can contain a token', () => {
  dev.template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    StageName: 'live',
    AutoDeploy: true,
    DefaultRouteSettings: Match.objectLike({
      ThrottlingRateLimit: sizes.dev.webSocketThrottle.rateLimit,
      ThrottlingBurstLimit: sizes.dev.webSocketThrottle.burstLimit,
    }),
  });
  const formats = dev
    .ofType('AWS::ApiGatewayV2::Stage')
    .map(([, stage]) => (stage.Properties['AccessLogSettings'] as { Format: string }).Format);
  expect(formats).toHaveLength(2);
  for (const format of formats) expect(format).not.toMatch(/querystring|authorizer|\$context\.path\b/i);
});

test('no route has detailed metrics, which cost $0.30 a month each', () => {
  for (const [, stage] of dev.ofType('AWS::ApiGatewayV2::Stage')) {
    expect(stage.Properties['DefaultRouteSettings']).not.toHaveProperty('DetailedMetricsEnabled');
  }
});

test('an account that has a role for the logs of API Gateway keeps it with ACCOUNT_LOG_ROLE=existing', () => {
  dev.template.resourceCountIs('AWS::ApiGateway::Account', 1);
  const existing = new SynthesizedTemplate('dev', { ACCOUNT_LOG_ROLE: 'existing' });
  existing.template.resourceCountIs('AWS::ApiGateway::Account', 0);
  expect(existing.ofType('AWS::IAM::Role').filter(([id]) => id.includes('LogRole'))).toEqual([]);
});

test('functions that have the management endpoint may post to connections of this stage only, and close none', () => {
  for (const handler of dev.functions().keys()) {
    const statements = dev
      .statementsOf(handler)
      .filter(({ Action }) => listed(Action).includes('execute-api:ManageConnections'));
    const endpoint = JSON.stringify(dev.environmentOf(handler)['MANAGEMENT_ENDPOINT'] ?? null);
    expect([handler, statements.length > 0]).toEqual([handler, endpoint !== 'null']);
    for (const resource of statements.flatMap((statement) => listed(statement.Resource))) {
      const text = JSON.stringify(resource);
      expect(text).toContain(`{"Ref":"${apiId}"}`);
      expect(text).toMatch(/"\/live\/POST\/@connections\/\*"/);
    }
    if (statements.length > 0) expect(endpoint).toMatch(/https:\/\/.*\/live/);
  }
});
