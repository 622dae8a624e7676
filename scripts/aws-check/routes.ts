import { coversPort, letsHttpsOut, rulesOf } from './security-groups.ts';
import { isSame, listed, referencesIn, resourcesOf, type Template, targetOf } from './template.ts';

/** Services with a gateway endpoint. */
const gatewayServices = ['dynamodb', 's3'];
/** `@connections` of a WebSocket API is not reachable by an interface endpoint. */
const withoutEndpoint = ['execute-api'];
const storePorts: Record<string, number> = { 'AWS::ElastiCache::ServerlessCache': 6379 };

/** The route table of a subnet. Undefined if the subnet is not in the template. */
function routeTableOf(template: Template, subnet: string): string | undefined {
  const association = resourcesOf(template, 'AWS::EC2::SubnetRouteTableAssociation').find(
    ([, { SubnetId }]) => targetOf(SubnetId) === subnet,
  );
  return association && targetOf(association[1]['RouteTableId']);
}

/** The logical ids of the routes from a subnet to the internet. */
export function routesOut(template: Template, subnet: string): string[] {
  const table = routeTableOf(template, subnet);
  return resourcesOf(template, 'AWS::EC2::Route')
    .filter(([, route]) => targetOf(route['RouteTableId']) === table && route['DestinationCidrBlock'] === '0.0.0.0/0')
    .filter(([, route]) => leadsOut(template, route))
    .map(([id]) => id);
}

/** A function has no public address, so it reaches the internet only through a NAT gateway in a public subnet. */
function leadsOut(template: Template, route: Record<string, unknown>): boolean {
  const gateway = template.Resources[targetOf(route['NatGatewayId']) ?? ''];
  if (!gateway) return false;
  const table = routeTableOf(template, targetOf(gateway.Properties?.['SubnetId']) ?? '');
  return resourcesOf(template, 'AWS::EC2::Route').some(
    ([, each]) => targetOf(each['RouteTableId']) === table && each['GatewayId'] !== undefined,
  );
}

/** Whether a function in this subnet, with these groups, can call a service of AWS. */
export function canCall(template: Template, service: string, subnet: string, groups: string[]): boolean {
  if (template.Resources[subnet]?.Type !== 'AWS::EC2::Subnet') return true;
  const leaves = groups.some((group) => {
    const rules = rulesOf(template, group, 'Egress');
    return rules === undefined || letsHttpsOut(rules);
  });
  return leaves && (routesOut(template, subnet).length > 0 || hasEndpoint(template, service, subnet));
}

function hasEndpoint(template: Template, service: string, subnet: string): boolean {
  if (withoutEndpoint.includes(service)) return false;
  const table = routeTableOf(template, subnet);
  return resourcesOf(template, 'AWS::EC2::VPCEndpoint').some(([, endpoint]) => {
    if (!JSON.stringify(endpoint['ServiceName']).includes(`.${service}"`)) return false;
    if (gatewayServices.includes(service) && endpoint['VpcEndpointType'] === 'Gateway') {
      return listed(endpoint['RouteTableIds']).some((each) => targetOf(each) === table);
    }
    const vpc = template.Resources[subnet]?.Properties?.['VpcId'];
    return endpoint['PrivateDnsEnabled'] === true && isSame(endpoint['VpcId'], vpc);
  });
}

/** Whether the groups of a function and of a store permit connections from one to the other. */
export function canConnect(template: Template, store: string, groups: string[]): boolean {
  const { Type, Properties = {} } = template.Resources[store]!;
  const storeGroups = ['SecurityGroupIds', 'VPCSecurityGroups', 'VpcSecurityGroupIds']
    .flatMap((name) => referencesIn(Properties[name]))
    .map(({ target }) => target);
  const ports = [Properties['Port'] ?? storePorts[Type] ?? 5432, { 'Fn::GetAtt': [store, 'Endpoint.Port'] }];
  return groups.some((group) => storeGroups.some((other) => permits(template, group, other, ports)));
}

function permits(template: Template, from: string, to: string, ports: unknown[]): boolean {
  const egress = rulesOf(template, from, 'Egress');
  const ingress = rulesOf(template, to, 'Ingress');
  const leaves = egress?.some(
    (rule) =>
      ports.some((port) => coversPort(rule, port)) &&
      (targetOf(rule.properties['DestinationSecurityGroupId']) === to || rule.properties['CidrIp'] === '0.0.0.0/0'),
  );
  const enters = ingress?.some(
    (rule) =>
      ports.some((port) => coversPort(rule, port)) && targetOf(rule.properties['SourceSecurityGroupId']) === from,
  );
  return (leaves ?? true) && (enters ?? true);
}
