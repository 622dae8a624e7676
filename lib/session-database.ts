import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Network } from './network.ts';
import type { Sizes } from './settings.ts';

/** Excluded from passwords, because operators put the password into URLs and shell commands. */
const passwordExcludes = ' %+~`#$&*()|[]{}:;<>?!\'/@"\\=^,.';

/** PostgreSQL on RDS: encrypted, only with TLS, not public. Its credentials are in Secrets Manager. */
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
      securityGroups: [network.createServerGroup(this, 'PostgreSQL: only functions with granted access')],
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

  /** Permits connections and reading the credentials, and sets the variable with their address. */
  grantAccess(fn: RollcallFunction): void {
    this.instance.connections.allowDefaultPortFrom(fn, 'PostgreSQL');
    fn.allow(['secretsmanager:GetSecretValue'], [this.secretArn]);
    fn.setVariable(environmentNames.databaseSecretArn, this.secretArn);
  }

  private acknowledgeFindings(size: Sizes['database']): void {
    const disposable = 'This environment is for trials: it holds no data that must be kept.';
    const reasons = {
      'AwsSolutions-RDS11': 'A port is no secret; security groups admit only the functions, each of them by name.',
      ...(size.multiAz ? {} : { 'AwsSolutions-RDS3': disposable }),
      ...(size.protected ? {} : { 'AwsSolutions-RDS10': disposable }),
      ...(size.rotatePassword ? {} : { 'AwsSolutions-SMG4': disposable }),
    };
    for (const [id, reason] of Object.entries(reasons)) Validations.of(this).acknowledge({ id, reason });
  }
}
