import { Template } from 'aws-cdk-lib/assertions';
import { IdentityProvider, identityOf } from '../../lib/identity-provider.ts';
import { emptyStack, SynthesizedTemplate } from './support.ts';

type Parameters = Record<string, { Default?: string }> | undefined;

function parameters(environment: Record<string, string>) {
  const stack = emptyStack();
  new IdentityProvider(stack, 'IdentityProvider', identityOf(environment));
  return (Template.fromStack(stack).toJSON() as { Parameters: Parameters }).Parameters ?? {};
}

function identityIn(environment: Record<string, string>) {
  const template = new SynthesizedTemplate('dev', environment);
  const [, authorizer] = template
    .ofType('AWS::ApiGatewayV2::Authorizer')
    .find(([, { Properties }]) => Properties['AuthorizerType'] === 'JWT')!;
  const { JWT_ISSUER, JWT_AUDIENCE, JWKS_URI } = template.environmentOf('authorizer');
  return { JWT_ISSUER, JWT_AUDIENCE, JWKS_URI, jwt: authorizer.Properties['JwtConfiguration'] };
}

test('without an identity provider in the environment, the deployment must set one', () => {
  const { JwtIssuer, JwtAudience } = parameters({});
  for (const parameter of [JwtIssuer, JwtAudience]) {
    expect(parameter).toBeDefined();
    expect(parameter).not.toHaveProperty('Default');
  }
});

test('the address of the keys need not be given: empty means that it follows from the issuer', () => {
  expect(parameters({})['JwksUri']?.Default).toBe('');
});

test('values that the environment sets are in the template, because a deployment keeps the old value of a parameter', () => {
  const given = { JWT_ISSUER: 'https://id.example/', JWT_AUDIENCE: 'app', JWKS_URI: 'https://keys.example/jwks' };
  expect(Object.keys(parameters(given)).filter((name) => /^Jw/.test(name))).toEqual([]);
  expect(identityIn(given)).toEqual({ ...given, jwt: { Issuer: given.JWT_ISSUER, Audience: [given.JWT_AUDIENCE] } });
});

test('a changed issuer leaves no address of the old keys behind', () => {
  const given = { JWT_ISSUER: 'https://new.example/', JWT_AUDIENCE: 'app' };
  expect(parameters(given)).not.toHaveProperty('JwksUri');
  expect(identityIn(given)).toMatchObject({ JWT_ISSUER: 'https://new.example/', JWKS_URI: '' });
});

test('the functions that read tokens have the name of the access claim in a variable', () => {
  for (const [given, expected] of [
    [{}, 'rollcall'],
    [{ JWT_ACCESS_CLAIM: 'https://example.org/access' }, 'https://example.org/access'],
  ] as const) {
    const template = new SynthesizedTemplate('dev', given);
    for (const handler of ['authorizer', 'http'] as const)
      expect(template.environmentOf(handler)).toMatchObject({ JWT_ACCESS_CLAIM: expected });
  }
});
