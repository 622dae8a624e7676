import { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';

/** Host names of your own for the APIs. AWS does not permit one name for a WebSocket API and an HTTP API. */
export interface DomainProps {
  /** Clients connect to `wss://<this name>`. */
  webSocketName: string;
  /** The name of the HTTP API. Default: it has only the address that AWS gives it. */
  httpName?: string;
  /** A certificate for both names, in the region of the stack. */
  certificate: acm.ICertificate;
  /** The zone in which the addresses of both names are entered. Default: enter them yourself, `domain.webSocket.regionalDomainName` and
   * `domain.http.regionalDomainName` are where they lead. */
  hostedZone?: route53.IHostedZone;
}

/**
 * The host names of the APIs.
 *
 * @throws Error with a sentence for the user if both APIs have the same name.
 */
export class Domain extends Construct {
  /** The host name of the WebSocket API, with `regionalDomainName`, to which a DNS record must lead. */
  readonly webSocket: DomainName;
  /** The same for the HTTP API, if it has a host name. */
  readonly http: DomainName | undefined;

  constructor(scope: Construct, id: string, props: DomainProps) {
    super(scope, id);
    const { webSocketName, httpName } = props;
    if (httpName === webSocketName) {
      throw new Error(
        `Both APIs have the name "${httpName}", which AWS does not permit; give httpName another name, such as api.example.com.`,
      );
    }
    this.webSocket = this.createName('WebSocket', webSocketName, props);
    this.http = httpName === undefined ? undefined : this.createName('Http', httpName, props);
  }

  private createName(id: string, domainName: string, { certificate, hostedZone }: DomainProps): DomainName {
    const created = new DomainName(this, id, { domainName, certificate });
    if (hostedZone) {
      const { regionalDomainName, regionalHostedZoneId } = created;
      const target = new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId);
      new route53.ARecord(this, `${id}Address`, {
        zone: hostedZone,
        recordName: `${domainName}.`,
        target: route53.RecordTarget.fromAlias(target),
      });
    }
    return created;
  }
}
