import { readStack } from '../../local/template/stack-definition.ts';
import { changedAssembly, fixtureAssembly, propertiesOf } from './fixtures/assembly.ts';

const identity = { JwtIssuer: 'http://issuer', JwtAudience: 'audience', JwksUri: 'http://issuer/keys' };

async function sentence(change: Parameters<typeof changedAssembly>[0]): Promise<string> {
  const assembly = await changedAssembly(change);
  try {
    await readStack(assembly.directory, identity);
    return 'nothing is wrong';
  } catch (error) {
    return (error as Error).message;
  } finally {
    await assembly.remove();
  }
}

test('a stack is read with its routes, functions, limits and schedules', async () => {
  const stack = await readStack(await fixtureAssembly(), identity);
  expect([...stack.webSocketApi.routes.keys()].sort()).toEqual(
    ['$connect', '$default', '$disconnect', 'echo', 'one', 'silent', 'work'].sort(),
  );
  const responding = [...stack.webSocketApi.routes.values()].filter(({ responds }) => responds);
  expect(responding.map(({ key }) => key).sort()).toEqual(['$default', 'echo', 'one', 'work']);
  expect(stack.httpApi?.routes.map(({ key }) => key)).toContain('GET /things/{id}');
  expect(stack.schedules).toMatchObject([{ expression: 'rate(1 minute)' }]);
  expect(stack.triggers).toEqual([expect.stringMatching(/^migrateFunction/)]);
  const one = stack.functions.find(({ name }) => name.startsWith('oneFunction'));
  expect(one).toMatchObject({ timeoutMillis: 1000, memoryMegabytes: 256, handler: 'handler' });
});

test("the template's identity provider overrides the local one", async () => {
  const local = await readStack(await fixtureAssembly(), identity);
  expect(local.identity).toEqual({ issuer: 'http://issuer', audience: 'audience', jwksUri: 'http://issuer/keys' });
  const assembly = await changedAssembly(({ Parameters }) => {
    Parameters!['JwtIssuer']!.Default = 'https://other';
  });
  expect((await readStack(assembly.directory, identity)).identity.issuer).toBe('https://other');
  await assembly.remove();
});

test.each<[string, Parameters<typeof changedAssembly>[0], RegExp]>([
  [
    'a bundle that is missing',
    (template) => {
      propertiesOf(template, 'AWS::Lambda::Function')['Handler'] = 'absent.handler';
    },
    /^The bundle of the function \w+ is missing from the assembly; synthesize again\.$/,
  ],
  [
    'a function that API Gateway may not invoke',
    (template) => {
      const [logicalId] = Object.entries(template.Resources).find(
        ([name, { Type }]) => Type === 'AWS::Lambda::Permission' && name.startsWith('SocketsechoRoute'),
      )!;
      delete template.Resources[logicalId];
    },
    /^The function echoFunction\w+ does not allow apigateway\.amazonaws\.com to invoke it for the route echo \(arn:.*\/live\/echo\)\.$/,
  ],
  [
    'a rule that may not invoke its function',
    (template) => {
      propertiesOf(template, 'AWS::Lambda::Permission', (p) => p['Principal'] === 'events.amazonaws.com')['SourceArn'] =
        'arn:aws:events:us-east-1:000000000000:rule/other';
    },
    /^The function timedFunction\w+ does not allow events\.amazonaws\.com to invoke it for the schedule EveryMinute/,
  ],
  [
    'an unknown selection expression',
    (template) => {
      propertiesOf(template, 'AWS::ApiGatewayV2::Api')['RouteSelectionExpression'] = '$request.header.x';
    },
    /^The route selection expression "\$request\.header\.x" is not of the form \$request\.body\.name\.$/,
  ],
  [
    'an API without a stage',
    (template) => {
      propertiesOf(template, 'AWS::ApiGatewayV2::Stage')['ApiId'] = 'another';
    },
    /^The API Sockets\w+ has no stage, so clients cannot reach it\.$/,
  ],
  [
    'a reference to nothing',
    (template) => {
      propertiesOf(template, 'AWS::ApiGatewayV2::Stage')['StageName'] = { Ref: 'Nothing' };
    },
    /^The template refers to "Nothing", which it does not contain\.$/,
  ],
])('%s is reported in one sentence', async (_, change, expected) => {
  expect(await sentence(change)).toMatch(expected);
});
