import { type CfnResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IConstruct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import { contentName } from './content-name.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Network } from './network.ts';
import type { Sizes } from './settings.ts';
import type { Database } from './stores.ts';

/** Excluded from passwords, because operators put the password into URLs and shell commands. */
const passwordExcludes = ' %+~`#$&*()|[]{}:;<>?!\'/@"\\=^,.';

/** The logs of PostgreSQL that RDS copies to CloudWatch. */
const logExports = ['postgresql'] as const;

/** Three quarters of what RDS lets an instance of this size accept. */
const manyConnections = { micro: 80, small: 150, medium: 300 };

/** PostgreSQL on RDS: encrypted, only with TLS, not public. The credentials of the migrations and of the service are in Secrets Manager. */
export class SessionDatabase extends Construct implements Database {
  readonly instance: rds.DatabaseInstance;
  readonly readyAfter: IConstruct[];
  readonly manyConnections: number;
  /** What needs the user of the functions, whom the migrations create. */
  readonly afterMigrations: IConstruct[] = [];
  /** The credentials of the functions, whose user may not change tables or the audit trail. */
  private readonly serviceSecret: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, network: Network, sizes: Sizes) {
    super(scope, id);
    const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18_3 });
    const size = sizes.database;
    this.manyConnections = manyConnections[size.size];
    const group = network.createServerGroup(this, 'PostgreSQL: only functions with granted access');
    this.instance = new rds.DatabaseInstance(this, 'Instance', {
      engine,
      instanceType: new ec2.InstanceType(`t4g.${size.size}`),
      vpc: network.vpc,
      vpcSubnets: network.dataSubnets,
      securityGroups: [group],
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
      cloudwatchLogsExports: [...logExports],
    });
    this.serviceSecret = new rds.DatabaseSecret(this, 'ServiceSecret', {
      username: 'rollcall_functions',
      dbname: 'rollcall',
      excludeCharacters: passwordExcludes,
    }).attach(this.instance);
    this.readyAfter = [group, this.instance, this.serviceSecret.node.defaultChild!];
    this.keepLogsFor(sizes.logRetentionDays);
    if (size.rotatePassword) this.rotatePasswords(sizes.logRetentionDays);
    this.acknowledgeFindings(size);
  }

  /** Permits connections with the rights of the service, and sets the variable with the address of its credentials. */
  grantAccess(fn: RollcallFunction): void {
    this.admit(fn, this.serviceSecret.secretArn);
  }

  /** Permits connections as the owner of the tables, and reading the credentials of the service, which its migrations set. */
  grantOwnership(fn: RollcallFunction): void {
    const { secretArn } = this.serviceSecret;
    this.admit(fn, this.instance.secret!.secretArn);
    fn.allow(['secretsmanager:GetSecretValue'], [secretArn]);
    fn.setVariable(environmentNames.serviceSecretArn, secretArn);
  }

  private admit(fn: RollcallFunction, secretArn: string): void {
    this.instance.connections.allowDefaultPortFrom(fn, 'PostgreSQL');
    fn.allow(['secretsmanager:GetSecretValue'], [secretArn]);
    fn.setVariable(environmentNames.databaseSecretArn, secretArn);
  }

  /**
   * RDS exports its log to a group that it names after the instance. It would create this group itself, without an end, and
   * leave it behind. So the stack names the instance and creates the group first.
   */
  private keepLogsFor(days: number): void {
    const instance = this.instance.node.defaultChild as rds.CfnDBInstance;
    const stack = Stack.of(this);
    const identifier = contentName(
      `${shortName(stack)}-sessions`,
      stack.resolve({
        DBName: instance.dbName,
        DBSubnetGroupName: instance.dbSubnetGroupName,
        MasterUsername: instance.masterUsername,
        StorageEncrypted: instance.storageEncrypted,
      }),
    );
    instance.dbInstanceIdentifier = identifier;
    for (const name of logExports) {
      const group = this.createLog(`Log-${name}`, `/aws/rds/instance/${identifier}/${name}`, days);
      instance.node.addDependency(group);
    }
  }

  /**
   * A function of AWS for each of the two users writes a new password every 30 days. It needs a way to Secrets Manager, which only the
   * subnets of the functions have.
   */
  private rotatePasswords(logDays: number): void {
    const options = {
      excludeCharacters: passwordExcludes,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
    };
    const ofOwner = this.instance.addRotationSingleUser(options);
    const ofService = new secretsmanager.SecretRotation(this, 'ServiceRotation', {
      application: secretsmanager.SecretRotationApplication.POSTGRES_ROTATION_SINGLE_USER,
      secret: this.serviceSecret,
      target: this.instance,
      vpc: this.instance.vpc,
      ...options,
    });
    this.nameRotation(ofOwner, 'RotationLog', 'password-rotation', logDays);
    this.nameRotation(ofService, 'ServiceRotationLog', 'service-rotation', logDays);
    // The first rotation begins when the schedule is created.
    this.afterMigrations.push(this.serviceSecret.node.findChild('RotationSchedule'));
  }

  private nameRotation(rotation: Construct, logId: string, name: string, logDays: number): void {
    const functionName = `${shortName(Stack.of(this))}-${name}`;
    const application = rotation.node.findChild('Resource') as CfnResource;
    application.addPropertyOverride('Parameters.functionName', functionName);
    application.node.addDependency(this.createLog(logId, `/aws/lambda/${functionName}`, logDays));
  }

  private createLog(id: string, logGroupName: string, retention: number): logs.LogGroup {
    return new logs.LogGroup(this, id, { logGroupName, retention, removalPolicy: RemovalPolicy.DESTROY });
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

/** The name of the stack in the form that RDS accepts in names, at most 40 characters. */
function shortName(stack: Stack): string {
  return stack.stackName.toLowerCase().replace(/-+/g, '-').slice(0, 40).replace(/-$/, '');
}
