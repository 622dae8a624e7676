import type { JWTPayload } from 'jose';
import { verifyToken } from '../../lambdas/adapters/identity.ts';
import { JwtAuthorizer } from '../../local/http/jwt-authorizer.ts';
import type { IdentityProvider } from '../../local/identity/identity-provider.ts';
import { TestIdentityProvider } from '../adapters/identity-provider.ts';
import { codeBlocks, pagesOf } from './support.ts';

/**
 * The tokens in the recipes have the form in which each provider issues them. With the settings of its recipe, each is accepted by
 * the WebSocket API and by the HTTP API.
 */

const provider = new TestIdentityProvider();
const variables = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWKS_URI'] as const;
const before = Object.fromEntries(variables.map((name) => [name, process.env[name]]));

beforeAll(async () => {
  process.env['JWKS_URI'] = await provider.open();
});
afterAll(async () => {
  for (const name of variables) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  await provider.close();
});

interface Recipe {
  page: string;
  issuer: string;
  audience: string;
  /** The claims of each token in the recipe. */
  tokens: (JWTPayload & { name: string })[];
}

function recipeOf(page: string): Recipe {
  const blocks = codeBlocks(page);
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code);
  const setting = (name: string) => new RegExp(`^export ${name}=(\\S+)$`, 'm').exec(commands.join(''))?.[1] ?? '';
  const json = blocks.filter(({ language }) => language === 'json').map(({ code }) => JSON.parse(code));
  return {
    page,
    issuer: setting('JWT_ISSUER'),
    audience: setting('JWT_AUDIENCE'),
    tokens: json.filter((claims) => 'iss' in claims),
  };
}

const recipes = pagesOf('docs/recipes')
  .filter((page) => !page.endsWith('README.md'))
  .map(recipeOf);
const tokens = recipes.flatMap((recipe) => recipe.tokens.map((claims) => ({ ...recipe, claims })));

/** Signs claims as the provider does. The times of the recipe are moved to now. */
function sign({ issuer }: Recipe, claims: JWTPayload): Promise<string> {
  const passed = Math.floor(Date.now() / 1000) - claims.iat!;
  const times = ['iat', 'exp', 'nbf', 'auth_time'].filter((name) => name in claims);
  const moved = Object.fromEntries(times.map((name) => [name, Number(claims[name]) + passed]));
  return provider.sign({ claims: { ...claims, ...moved }, issuer, audience: null, expires: null });
}

/** Who the token stands for at the WebSocket API, and the status of the HTTP API. */
async function judge(recipe: Recipe, token: string) {
  process.env['JWT_ISSUER'] = recipe.issuer;
  process.env['JWT_AUDIENCE'] = recipe.audience;
  const publicKeys = await (await fetch(process.env['JWKS_URI']!)).json();
  const definition = { issuer: recipe.issuer, audience: [recipe.audience] };
  const authorizer = new JwtAuthorizer(definition, { publicKeys } as IdentityProvider);
  return { identity: await verifyToken(token), status: (await authorizer.check(`Bearer ${token}`, [])).status };
}

test('each recipe has the settings and at least one token', () => {
  expect(recipes.map(({ page }) => page)).toEqual(
    ['auth0', 'clerk', 'cognito', 'entra', 'keycloak', 'okta'].map((name) => `docs/recipes/${name}.md`),
  );
  for (const { issuer, audience, tokens: found } of recipes) {
    expect([issuer !== '', audience !== '', found.length > 0]).toEqual([true, true, true]);
  }
});

test.each(tokens)('the token of $page for $audience is accepted, and others read its name', async (recipe) => {
  const { identity, status } = await judge(recipe, await sign(recipe, recipe.claims));
  expect(status).toBe(200);
  expect(identity).toMatchObject({ externalId: recipe.claims.sub, username: recipe.claims.name });
});

test.each(tokens)('a token of $page without a name is accepted, and others read its sub', async (recipe) => {
  const { name: _, ...claims } = recipe.claims;
  const { identity, status } = await judge(recipe, await sign(recipe, claims));
  expect(status).toBe(200);
  expect(identity?.username).toBe(recipe.claims.sub);
});

test.each(tokens)('a token of $page for another application is refused', async (recipe) => {
  const audience = 'another-application';
  const claims =
    'aud' in recipe.claims ? { ...recipe.claims, aud: audience } : { ...recipe.claims, client_id: audience };
  expect(await judge(recipe, await sign(recipe, claims))).toEqual({ identity: undefined, status: 401 });
});

test('the session token of Clerk has no audience and is refused without the template', async () => {
  const recipe = recipes.find(({ page }) => page.endsWith('clerk.md'))!;
  const { aud: _, name: __, jti: ___, ...claims } = recipe.tokens[0]!;
  const session = { ...claims, fva: [0, -1], sid: 'sess_2hZgbYQIN3kJGcFnGX6lQmZNGzq', sts: 'active', v: 2 };
  expect(await judge(recipe, await sign(recipe, session))).toEqual({ identity: undefined, status: 401 });
});

test('a user of Cognito is the same one with either token', async () => {
  const recipe = recipes.find(({ page }) => page.endsWith('cognito.md'))!;
  const users = [];
  for (const claims of recipe.tokens) users.push((await judge(recipe, await sign(recipe, claims))).identity?.userId);
  expect(users).toEqual([recipe.tokens[0]!.sub, recipe.tokens[0]!.sub]);
});
