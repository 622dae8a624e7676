import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../lib/bundle.ts';
import { adminRoutes, openPaths, protectedPaths, serverRoutes } from '../../lib/http-api.ts';
import { SynthesizedTemplate } from './support.ts';

const dev = new SynthesizedTemplate('dev');
const routes = dev
  .ofType('AWS::ApiGatewayV2::Route')
  .map(([, route]) => route.Properties)
  .filter((route) => String(route['RouteKey']).includes(' '));

function find(path: string, method = 'GET') {
  return routes.find((route) => route['RouteKey'] === `${method} ${path}`);
}

function servedBy(file: string): string[] {
  const text = readFileSync(join(projectDirectory, 'lambdas', `${file}.ts`), 'utf8');
  return [...text.matchAll(/async '([A-Z]+ [^']+)'/g)].map(([, routeKey]) => routeKey!);
}

test('the API has the routes that its functions serve', () => {
  const served = [
    ...servedBy('handlers/http'),
    ...servedBy('adapters/http/webhook-routes'),
    ...servedBy('handlers/server'),
  ];
  expect(served).toContain('GET /health');
  expect(routes.map((route) => route['RouteKey']).sort()).toEqual(served.sort());
  expect(serverRoutes.map(([method, path]) => `${method} ${path}`).sort()).toEqual(servedBy('handlers/server').sort());
});

test.each(adminRoutes)('%s %s needs a bearer token', (method, path) => {
  expect(find(path, method)).toMatchObject({ AuthorizationType: 'JWT' });
});

test.each(serverRoutes)('%s %s goes to the function that checks its key', (method, path) => {
  const { AuthorizationType, Target } = find(path, method)!;
  expect(AuthorizationType).toBe('NONE');
  expect(JSON.stringify(Target)).toMatch(/ServerIntegration/);
});

test.each(openPaths)('%s needs no token', (path) => {
  expect(find(path)).toMatchObject({ AuthorizationType: 'NONE' });
});

test.each(protectedPaths)('%s needs a bearer token', (path) => {
  expect(find(path)).toMatchObject({ AuthorizationType: 'JWT' });
});

test('issuer and audience of the token come from the parameters of the stack', () => {
  dev.template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
    AuthorizerType: 'JWT',
    JwtConfiguration: { Issuer: { Ref: 'JwtIssuer' }, Audience: [{ Ref: 'JwtAudience' }] },
  });
});

test('browsers of other origins may read with a token', () => {
  dev.template.hasResourceProperties('AWS::ApiGatewayV2::Api', {
    ProtocolType: 'HTTP',
    CorsConfiguration: {
      AllowHeaders: ['authorization', 'content-type'],
      AllowMethods: ['GET'],
      AllowOrigins: ['*'],
      ExposeHeaders: ['link', 'x-next'],
    },
  });
});

test('the stage is throttled', () => {
  dev.template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    StageName: '$default',
    DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50 },
  });
});

test('[SE14] pages of all origins may read the answers, or only those of ALLOWED_ORIGINS', () => {
  const originsOf = (template: SynthesizedTemplate) =>
    template
      .ofType('AWS::ApiGatewayV2::Api')
      .flatMap(
        ([, api]) =>
          (api.Properties['CorsConfiguration'] as { AllowOrigins: string[] } | undefined)?.AllowOrigins ?? [],
      );
  expect(originsOf(dev)).toEqual(['*']);
  expect(originsOf(new SynthesizedTemplate('dev', { ALLOWED_ORIGINS: 'https://app.example.com' }))).toEqual([
    'https://app.example.com',
  ]);
});
