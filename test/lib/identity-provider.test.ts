import { Template } from 'aws-cdk-lib/assertions';
import { IdentityProvider } from '../../lib/identity-provider.ts';
import { emptyStack } from './support.ts';

function parameters(environment: Record<string, string>) {
  const stack = emptyStack();
  new IdentityProvider(stack, 'IdentityProvider', environment);
  return (Template.fromStack(stack).toJSON() as { Parameters: Record<string, { Default?: string }> }).Parameters;
}

test('without an identity provider in the environment, the deployment must set one', () => {
  const { JwtIssuer, JwtAudience, JwksUri } = parameters({});
  for (const parameter of [JwtIssuer, JwtAudience, JwksUri]) {
    expect(parameter).toBeDefined();
    expect(parameter).not.toHaveProperty('Default');
  }
});

test('the environment gives the defaults', () => {
  const given = { JWT_ISSUER: 'https://id.example/', JWT_AUDIENCE: 'app', JWKS_URI: 'https://keys.example/jwks' };
  const { JwtIssuer, JwtAudience, JwksUri } = parameters(given);
  expect([JwtIssuer?.Default, JwtAudience?.Default, JwksUri?.Default]).toEqual(Object.values(given));
});

test('the address of the keys is derived from the issuer', () => {
  const { JwksUri } = parameters({ JWT_ISSUER: 'https://id.example/' });
  expect(JwksUri?.Default).toBe('https://id.example/.well-known/jwks.json');
});
