import { canCall, canConnect } from './routes.ts';
import type { Finding, Template } from './template.ts';
import { vpcClients } from './vpc-clients.ts';

/**
 * Checks that each function in the VPC can reach everything that it has permissions for: AWS services through a NAT gateway
 * or an endpoint, databases and caches through rules of the security groups. What is outside of the template is not checked.
 */
export function checkVpcRoutes(template: Template): Finding[] {
  return vpcClients(template).flatMap(({ logicalId, subnets, groups, services, stores }) => {
    const unreachable = services.flatMap((service) =>
      subnets
        .filter((subnet) => !canCall(template, service, subnet, groups))
        .map((subnet) => ({
          logicalId,
          problem: `It may call ${service}, and its subnet ${subnet} has no way there.`,
          nextStep: `Put it into subnets with a NAT gateway, or add an endpoint for ${service}, and permit outgoing HTTPS.`,
        })),
    );
    const closed = stores
      .filter((store) => !canConnect(template, store, groups))
      .map((store) => ({
        logicalId,
        problem: `It uses ${store}, and the security groups permit no connection there.`,
        nextStep: `Add an outgoing rule to the group of ${logicalId} and an incoming one to the group of ${store}.`,
      }));
    return [...unreachable, ...closed];
  });
}
