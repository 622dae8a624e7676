import { App, Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Rollcall } from '../../lib/rollcall.ts';
import { sizes } from '../../lib/settings.ts';
import { checkTemplate } from '../../scripts/aws-check/checks.ts';
import { resourcesOf, type Template } from '../../scripts/aws-check/template.ts';
import { knowledge, required, templateWith, variablesOf } from './other-app.ts';

const identity = { cognito: {} };
const poolOf = (template: Template) => resourcesOf(template, 'AWS::Cognito::UserPool')[0]!;
const clientOf = (template: Template) => resourcesOf(template, 'AWS::Cognito::UserPoolClient')[0]!;

test('on request a user pool signs the tokens, and both APIs accept only tokens of its client', () => {
  const template = templateWith(() => ({ identity }));
  expect(checkTemplate(template, knowledge)).toEqual([]);
  const [pool] = poolOf(template);
  const [client] = clientOf(template);
  const issuer = JSON.stringify(variablesOf(template, 'Checks the token or invite of a new connection')['JWT_ISSUER']);
  expect(issuer).toContain(JSON.stringify({ 'Fn::GetAtt': [pool, 'ProviderURL'] }));
  const variables = variablesOf(template, 'Checks the token or invite of a new connection');
  expect(variables).toMatchObject({ JWT_AUDIENCE: { Ref: client }, JWKS_URI: '' });
  const [, authorizer] = resourcesOf(template, 'AWS::ApiGatewayV2::Authorizer').find(
    ([, { AuthorizerType }]) => AuthorizerType === 'JWT',
  )!;
  expect(authorizer['JwtConfiguration']).toEqual({
    Audience: [{ Ref: client }],
    Issuer: { 'Fn::GetAtt': [pool, 'ProviderURL'] },
  });
  expect(Object.keys(template.Parameters ?? {})).toEqual(['BootstrapVersion']);
});

test('only an administrator creates users unless people may register themselves', () => {
  const isClosed = (template: Template) =>
    (poolOf(template)[1]['AdminCreateUserConfig'] as { AllowAdminCreateUserOnly: boolean }).AllowAdminCreateUserOnly;
  expect(isClosed(templateWith(() => ({ identity })))).toBe(true);
  expect(isClosed(templateWith(() => ({ identity: { cognito: { selfSignUp: true } } })))).toBe(false);
});

test('the client has no secret, and the sign-in page returns only to the given addresses', () => {
  const callbackUrls = ['https://shop.example.com/signed-in'];
  const client = clientOf(templateWith(() => ({ identity: { cognito: { callbackUrls } } })))[1];
  expect(client).toMatchObject({
    GenerateSecret: false,
    PreventUserExistenceErrors: 'ENABLED',
    AllowedOAuthFlows: ['code'],
    CallbackURLs: callbackUrls,
  });
  const without = clientOf(templateWith(() => ({ identity })))[1];
  expect([without['AllowedOAuthFlowsUserPoolClient'], without['CallbackURLs']]).toEqual([false, undefined]);
});

test('in prod the users outlive the stack', () => {
  const template = templateWith(() => ({ identity, sizes: sizes.prod }));
  const [id, pool] = poolOf(template);
  expect(pool['DeletionProtection']).toBe('ACTIVE');
  expect(template.Resources[id]).toMatchObject({ DeletionPolicy: 'Retain' });
  const dev = templateWith(() => ({ identity }));
  expect(dev.Resources[poolOf(dev)[0]]).toMatchObject({ DeletionPolicy: 'Delete' });
});

test('the AWS Solutions checks find nothing about it that is not acknowledged', () => {
  const app = new App({ analyticsReporting: false });
  new Rollcall(new Stack(app, 'Shop'), 'Presence', { ...required, identity });
  expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
});
