import { isObject, isSame, listed, resourcesOf, type Template, targetOf } from './template.ts';

/** A rule of a security group, as a property of the group or as a resource of its own. */
export interface Rule {
  /** The logical id of the rule; for a rule inside a group, that of the group. */
  id: string;
  properties: Record<string, unknown>;
}

/** The rules of a group in one direction. Undefined if the group is not in the template. */
export function rulesOf(template: Template, group: string, direction: 'Egress' | 'Ingress'): Rule[] | undefined {
  const resource = template.Resources[group];
  if (resource?.Type !== 'AWS::EC2::SecurityGroup') return undefined;
  const own = resource.Properties?.[`SecurityGroup${direction}`];
  const inside = listed(own).filter(isObject);
  const outside = resourcesOf(template, `AWS::EC2::SecurityGroup${direction}`).filter(
    ([, { GroupId }]) => targetOf(GroupId) === group,
  );
  const rules = [
    ...inside.map((properties) => ({ id: group, properties })),
    ...outside.map(([id, properties]) => ({ id, properties })),
  ];
  // Without any rule, EC2 permits all outgoing traffic.
  const all = { id: group, properties: { IpProtocol: '-1', CidrIp: '0.0.0.0/0' } };
  return direction === 'Egress' && own === undefined && rules.length === 0 ? [all] : rules;
}

/** Every rule that has one of the groups on either side. */
export function rulesAbout(template: Template, groups: string[]): string[] {
  const names = ['GroupId', 'SourceSecurityGroupId', 'DestinationSecurityGroupId'];
  return resourcesOf(template, 'AWS::EC2::SecurityGroupEgress', 'AWS::EC2::SecurityGroupIngress')
    .filter(([, properties]) => names.some((name) => groups.includes(targetOf(properties[name]) ?? '')))
    .map(([id]) => id);
}

/** Whether a rule covers a TCP port. A port that is known only at the deployment must be the same expression in the rule. */
export function coversPort({ properties }: Rule, port: unknown): boolean {
  const { IpProtocol, FromPort, ToPort } = properties;
  if (String(IpProtocol) === '-1') return true;
  if (IpProtocol !== 'tcp') return false;
  if (typeof port === 'number') return Number(FromPort) <= port && port <= Number(ToPort);
  return isSame(FromPort, port) && isSame(ToPort, port);
}

/** Whether one of the rules permits outgoing HTTPS to any address. */
export function letsHttpsOut(rules: Rule[]): boolean {
  return rules.some((rule) => rule.properties['CidrIp'] === '0.0.0.0/0' && coversPort(rule, 443));
}
