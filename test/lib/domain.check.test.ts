import type { Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type { Rollcall } from '../../lib/rollcall.ts';
import { checkTemplate } from '../../scripts/aws-check/checks.ts';
import { resourcesOf, type Template } from '../../scripts/aws-check/template.ts';
import { knowledge, templateWith } from './other-app.ts';

const names = { webSocketName: 'live.example.com', httpName: 'api.example.com' };
const certificate = (stack: Stack) =>
  acm.Certificate.fromCertificateArn(stack, 'Certificate', 'arn:aws:acm:eu-central-1:123456789012:certificate/1');

/** The template with these host names, and the addresses that the construct tells. */
function withDomain(make: (stack: Stack) => object): { template: Template; addresses: string[] } {
  let addresses: string[] = [];
  const use = ({ webSocketApi, httpApi }: Rollcall, stack: Stack) => {
    addresses = [webSocketApi.url, httpApi.url].map((url) => stack.resolve(url));
  };
  const template = templateWith(
    (stack) => ({ domain: { ...names, certificate: certificate(stack), ...make(stack) } }),
    use,
  );
  expect(checkTemplate(template, knowledge)).toEqual([]);
  return { template, addresses };
}

test('both APIs are reached by host names of the user, each with its stage', () => {
  const { template, addresses } = withDomain(() => ({}));
  const domains = new Map(resourcesOf(template, 'AWS::ApiGatewayV2::DomainName'));
  expect([...domains.values()].map(({ DomainName }) => DomainName)).toEqual(Object.values(names));
  const mappings = resourcesOf(template, 'AWS::ApiGatewayV2::ApiMapping').map(([, mapping]) => mapping);
  const mapped = mappings.map(({ DomainName, Stage, ApiMappingKey }) => {
    const { DomainName: name } = domains.get((DomainName as { Ref: string }).Ref)!;
    return [name, Stage, ApiMappingKey];
  });
  expect(mapped).toEqual([
    [names.webSocketName, 'live', undefined],
    [names.httpName, '$default', undefined],
  ]);
  expect(JSON.stringify(addresses)).toMatch(/"wss:\/\/.*".*"https:\/\/.*/);
  expect(resourcesOf(template, 'AWS::Route53::RecordSet')).toEqual([]);
});

test('with a hosted zone, the addresses of both names are entered there', () => {
  const hostedZone = (stack: Stack) =>
    route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' });
  const { template } = withDomain((stack) => ({ hostedZone: hostedZone(stack) }));
  const records = resourcesOf(template, 'AWS::Route53::RecordSet').map(([, record]) => record);
  expect(records.map(({ Name, HostedZoneId }) => [Name, HostedZoneId])).toEqual(
    Object.values(names).map((name) => [`${name}.`, 'Z1']),
  );
  for (const { AliasTarget } of records) {
    expect(JSON.stringify(AliasTarget)).toMatch(/RegionalDomainName.*RegionalHostedZoneId/);
  }
});

test('without a name of its own, the HTTP API keeps the address that AWS gives it', () => {
  const { template, addresses } = withDomain(() => ({ httpName: undefined }));
  expect(resourcesOf(template, 'AWS::ApiGatewayV2::DomainName')).toHaveLength(1);
  expect(JSON.stringify(addresses[1])).toContain('execute-api');
});

test('functions post to connections by the address that AWS gives, not by the host name', () => {
  const { template } = withDomain(() => ({}));
  const endpoints = resourcesOf(template, 'AWS::Lambda::Function')
    .map(([, { Environment }]) => (Environment as { Variables?: Record<string, unknown> })?.Variables)
    .flatMap((variables) => variables?.['MANAGEMENT_ENDPOINT'] ?? []);
  expect(endpoints.length).toBeGreaterThan(0);
  for (const endpoint of endpoints) expect(JSON.stringify(endpoint)).toMatch(/execute-api.*\/live/);
});

test('one name for both APIs is refused, because AWS does not permit it', () => {
  expect(() => withDomain(() => ({ httpName: names.webSocketName }))).toThrow(
    'Both APIs have the name "live.example.com", which AWS does not permit; give httpName another name, such as api.example.com.',
  );
});
