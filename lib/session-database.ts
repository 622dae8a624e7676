import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Network } from './network.ts';
import type { Sizes } from './settings.ts';

/** A password goes into URLs and shells of people who look after the database. */
const passwordExcludes = ' %+~`#$&*()|[]{}:;<>?!\'/@"\\=^,.';

/** PostgreSQL on RDS: encrypted, TLS only, not public, its credentials in Secrets Manager. */
export class SessionDatabase extends Construct {
  readonly instance: rds.DatabaseInstance;
  private readonly secretArn: string;

  constructor(scope: Construct, id: string, network: Network, sizes: Sizes) {
    super(scope, id);
    const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18_3 });
    const size = sizes.database;
    this.instance = new rds.DatabaseInstance(this, 'Instance', {
      engine,
      instanceType: new ec2.InstanceType(`t4g.${size.size}`),
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      securityGroups: [network.createServerGroup(this, 'PostgreSQL: only functions that were granted it')],
      publiclyAccessible: false,
      multiAz: size.multiAz,
      databaseName: 'rollcall',
      credentials: rds.Credentials.fromGeneratedSecret('rollcall', { excludeCharacters: passwordExcludes }),
      parameters: { 'rds.force_ssl': '1', timezone: 'UTC' },
      caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
      storageType: rds.StorageType.GP3,
      storageEncrypted: true,
      allocatedStorage: size.storageGb,
      maxAllocatedStorage: size.maximumStorageGb,
      backupRetention: Duration.days(size.backupDays),
      copyTagsToSnapshot: true,
      deletionProtection: size.protected,
      removalPolicy: size.protected ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY,
      autoMinorVersionUpgrade: true,
      cloudwatchLogsExports: ['postgresql'],
    });
    this.secretArn = this.instance.secret!.secretArn;
    if (size.rotatePassword) this.instance.addRotationSingleUser({ excludeCharacters: passwordExcludes });
    this.acknowledgeFindings(size);
  }

  /** Opens the way for the function, lets it read the credentials and tells it where they are. */
  grantAccess(fn: RollcallFunction): void {
    this.instance.connections.allowDefaultPortFrom(fn, 'PostgreSQL');
    fn.allow(['secretsmanager:GetSecretValue'], [this.secretArn]);
    fn.setVariable(environmentNames.databaseSecretArn, this.secretArn);
  }

  private acknowledgeFindings(size: Sizes['database']): void {
    const disposable = 'This environment is for trying things out: it holds nothing that has to survive.';
    const reasons = {
      'AwsSolutions-RDS11': 'A port is no secret; security groups let only the functions in, and each of them by name.',
      ...(size.multiAz ? {} : { 'AwsSolutions-RDS3': disposable }),
      ...(size.protected ? {} : { 'AwsSolutions-RDS10': disposable }),
      ...(size.rotatePassword ? {} : { 'AwsSolutions-SMG4': disposable }),
    };
    for (const [id, reason] of Object.entries(reasons)) Validations.of(this).acknowledge({ id, reason });
  }
}
