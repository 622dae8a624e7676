import { Match, Template } from 'aws-cdk-lib/assertions';
import { Network } from '../../lib/network.ts';
import { type EnvironmentName, sizes } from '../../lib/settings.ts';
import { emptyStack } from './support.ts';

function synthesize(name: EnvironmentName): Template {
  const stack = emptyStack();
  new Network(stack, 'Network', sizes[name]);
  return Template.fromStack(stack);
}

test('the network has public, function and data subnets in two zones', () => {
  synthesize('dev').resourceCountIs('AWS::EC2::Subnet', 6);
});

test.each([
  ['dev', 1],
  ['prod', 2],
] as const)('%s has %d NAT gateways', (name, count) => {
  synthesize(name).resourceCountIs('AWS::EC2::NatGateway', count);
});

test('DynamoDB is reached by the gateway endpoint, which is free', () => {
  synthesize('dev').hasResourceProperties('AWS::EC2::VPCEndpoint', {
    VpcEndpointType: 'Gateway',
    ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, '.dynamodb']] },
    RouteTableIds: Match.anyValue(),
  });
});

test('the data subnets have no route to the internet', () => {
  const template = synthesize('prod').toJSON() as { Resources: Record<string, { Type: string; Properties: object }> };
  const routes = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::EC2::Route');
  expect(routes.length).toBeGreaterThan(0);
  expect(JSON.stringify(routes)).not.toContain('Data');
});

test('public subnets assign no public addresses automatically', () => {
  synthesize('dev').allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
});

test('refused connections are logged, and the log has a retention', () => {
  const template = synthesize('dev');
  template.hasResourceProperties('AWS::EC2::FlowLog', { TrafficType: 'REJECT' });
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: sizes.dev.logRetentionDays });
});
