import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { handlerNames } from '../../lib/handlers.ts';
import { schemaOf } from '../../scripts/aws-check/schema.ts';
import type { Template } from '../../scripts/aws-check/template.ts';
import { referenceOf } from '../../scripts/cdk-reference.ts';

const run = promisify(execFile);
const project = join(__dirname, '../..');
let folder: string;
let installed: string;

/** Ways in which an app uses the construct. */
const variants = ['least', 'existing', 'names', 'shared'];

const app = `
const { App, Stack, Tags } = require('aws-cdk-lib');
const acm = require('aws-cdk-lib/aws-certificatemanager');
const ec2 = require('aws-cdk-lib/aws-ec2');
const iam = require('aws-cdk-lib/aws-iam');
const route53 = require('aws-cdk-lib/aws-route53');
const { Secret } = require('aws-cdk-lib/aws-secretsmanager');
const sns = require('aws-cdk-lib/aws-sns');
const { Rollcall, sizes } = require('@rollcall/cdk');

const [variant, outdir] = process.argv.slice(2);
const app = new App({ outdir, analyticsReporting: false });
const stack = new Stack(app, 'Shop');
const identity = { issuer: 'https://login.example.com/', audience: 'rollcall' };
const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf';
const group = (id) => ec2.SecurityGroup.fromSecurityGroupId(stack, id, id);
const variants = {
  least: () => ({ identity }),
  existing: () => ({
    identity,
    sizes: sizes.prod,
    vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      privateSubnetIds: ['subnet-1', 'subnet-2'],
    }),
    database: { secret: Secret.fromSecretCompleteArn(stack, 'Secret', arn), securityGroup: group('sg-1') },
    cache: { host: 'cache.example.com', securityGroup: group('sg-2') },
    alarmTopic: sns.Topic.fromTopicArn(stack, 'Alarms', 'arn:aws:sns:eu-central-1:123456789012:alarms'),
  }),
  names: () => ({
    identity: { cognito: { selfSignUp: true } },
    sizes: { ...sizes.dev, alarms: true },
    domain: {
      webSocketName: 'live.example.com',
      httpName: 'api.example.com',
      certificate: acm.Certificate.fromCertificateArn(stack, 'Certificate', 'arn:aws:acm:eu-central-1:123456789012:certificate/1'),
      hostedZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
    },
  }),
  shared: () => ({
    identity,
    sizes: sizes.prod,
    vpc: new ec2.Vpc(new Stack(app, 'Network'), 'Vpc', { maxAzs: 2 }),
    settings: { SESSION_TIMEOUT_HOURS: '8' },
    accountLogRole: false,
  }),
};
const rollcall = new Rollcall(stack, 'Rollcall', variants[variant]());
if (variant === 'shared') {
  Tags.of(rollcall).add('team', 'web');
  rollcall.grantPublish(new iam.Role(stack, 'Robot', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }));
}
app.synth();
`;

/** An app that has the packed package installed, and beside it the packages that every CDK app has. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-cdk-'));
  installed = join(folder, 'node_modules/@rollcall/cdk');
  const { stdout } = await run('npm', ['pack', './cdk', '--pack-destination', folder, '--json'], { cwd: project });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  const options = ['--offline', '--no-audit', '--no-fund', '--legacy-peer-deps'];
  await run('npm', ['install', ...options, join(folder, filename)], { cwd: folder });
  for (const name of ['aws-cdk-lib', 'constructs']) {
    await symlink(join(project, 'node_modules', name), join(folder, 'node_modules', name));
  }
  await writeFile(join(folder, 'app.js'), app);
  await Promise.all(variants.map(synthesize));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const templateFile = (variant: string) => join(folder, variant, 'Shop.template.json');
const templateOf = async (variant: string): Promise<Template> =>
  JSON.parse(await readFile(templateFile(variant), 'utf8'));
const typesOf = (template: Template) => Object.values(template.Resources).map(({ Type }) => Type);

async function synthesize(variant: string): Promise<void> {
  const env = { PATH: dirname(process.execPath), CDK_VALIDATION: 'false' };
  await run(process.execPath, ['app.js', variant, join(folder, variant)], { cwd: folder, env });
}

test('the packed construct is synthesized in four variants, and check:aws finds nothing in any of them', async () => {
  const check = ['--disable-warning=ExperimentalWarning', 'scripts/check-aws.ts', ...variants.map(templateFile)];
  const { stdout } = await run(process.execPath, check, { cwd: project });
  expect(stdout).toBe('Templates checked: 4, findings: 0.\n');
});

test('the package brings the bundled functions and the migrations, and no other package', async () => {
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect(dependencies).toBeUndefined();
  const assets = (await readdir(join(folder, 'least'))).filter((name) => name.startsWith('asset.'));
  const contents = await Promise.all(assets.map((name) => readdir(join(folder, 'least', name))));
  const functions = contents.filter((names) => names.includes('index.mjs'));
  expect(functions).toHaveLength(handlerNames.length);
  expect(functions.filter((names) => names.includes('migrations'))).toHaveLength(1);
  const migrations = join(installed, 'dist/handlers/migrate/migrations');
  expect(await readdir(migrations)).toEqual(await readdir(join(project, 'migrations')));
});

test('what the app has is used, and what it does not have is created', async () => {
  const [least, existing, names] = await Promise.all(['least', 'existing', 'names'].map(templateOf));
  const stores = ['AWS::EC2::VPC', 'AWS::RDS::DBInstance', 'AWS::ElastiCache::ServerlessCache'];
  expect(typesOf(least!)).toEqual(expect.arrayContaining(stores));
  expect(stores.filter((type) => typesOf(existing!).includes(type))).toEqual([]);
  expect(typesOf(existing!)).not.toContain('AWS::SNS::Topic');
  expect(typesOf(names!)).toEqual(expect.arrayContaining(['AWS::Cognito::UserPool', 'AWS::ApiGatewayV2::DomainName']));
});

test('the role for the logs of API Gateway stays as it is if the app says so', async () => {
  expect(typesOf(await templateOf('least'))).toContain('AWS::ApiGateway::Account');
  expect(typesOf(await templateOf('shared'))).not.toContain('AWS::ApiGateway::Account');
});

test('a tag of the app is on every resource that can have tags', async () => {
  const spec = loadAwsServiceSpecSync();
  const { Resources } = await templateOf('shared');
  const untagged = Object.entries(Resources)
    .filter(([id]) => id.startsWith('Rollcall'))
    .filter(([, { Type }]) => schemaOf(spec, Type)?.tagInformation !== undefined)
    .filter(([, { Properties }]) => !/"Key":"team","Value":"web"|"team":"web"/.test(JSON.stringify(Properties)));
  expect(untagged.map(([id, { Type }]) => `${Type} ${id}`)).toEqual([]);
});

/** The declaration files that a file imports, and theirs. */
async function reachable(file: string, found = new Map<string, string[]>()): Promise<Map<string, string[]>> {
  if (found.has(file)) return found;
  const text = await readFile(file, 'utf8');
  const imported = [...text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)].map(([, name]) => name!);
  found.set(file, imported);
  for (const name of imported.filter((each) => each.startsWith('.'))) {
    await reachable(join(dirname(file), name.replace(/\.js$/, '.d.ts')), found);
  }
  return found;
}

test('its types need nothing but the CDK', async () => {
  const files = await reachable(join(installed, 'dist/types/cdk/index.d.ts'));
  expect(files.size).toBeGreaterThan(5);
  const packages = [...files.values()].flat().filter((name) => !name.startsWith('.'));
  expect(packages.filter((name) => !/^(aws-cdk-lib|constructs)(\/|$)/.test(name))).toEqual([]);
});

test.each(['commonjs', 'module'])('the snippet of its README is right in a TypeScript app (%s)', async (type) => {
  const readme = await readFile(join(installed, 'README.md'), 'utf8');
  const [, snippet = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(snippet).toContain('new Rollcall(');
  const own = join(folder, type);
  await mkdir(own);
  await writeFile(join(own, 'package.json'), JSON.stringify({ type }));
  const wrong = "\n// @ts-expect-error the identity is missing\nnew Rollcall(stack, 'Other', {});\n";
  await writeFile(join(own, 'app.ts'), snippet + wrong);
  const compiler = join(project, 'node_modules/typescript/bin/tsc');
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
  await run(process.execPath, [compiler, ...options, 'app.ts'], { cwd: own });
});

test('an ES module imports it by name', async () => {
  await writeFile(
    join(folder, 'app.mjs'),
    "import { Rollcall, sizes } from '@rollcall/cdk'; console.log(Rollcall.name, Object.keys(sizes).join());",
  );
  const { stdout } = await run(process.execPath, ['app.mjs'], { cwd: folder });
  expect(stdout).toBe('Rollcall dev,prod\n');
});

test('the API reference in the documents is that of the sources', async () => {
  const page = await readFile(join(project, 'docs/cdk-reference.md'), 'utf8');
  expect(page).toBe(referenceOf(join(installed, 'dist/types')));
  const index = await readFile(join(installed, 'dist/types/cdk/index.d.ts'), 'utf8');
  const names = [...index.matchAll(/^export (?:type )?\{ ([^}]+) \}/gm)].flatMap(([, list]) =>
    list!.split(',').map((name) => name.replace('type', '').trim()),
  );
  const undocumented = /### (\S+)\n\n```text\n(?:(?!```)[\s\S])*```\n+(?=##|$)/g;
  expect([...page.matchAll(undocumented)].map(([, name]) => name)).toEqual([]);
  expect(names.length).toBeGreaterThan(8);
  expect(names.filter((name) => !page.includes(`\n## ${name}\n`))).toEqual([]);
});
