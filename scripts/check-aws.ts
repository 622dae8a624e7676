/**
 * `npm run check:aws`: synthesizes every variant of the stack. It reports what CloudFormation would refuse and what could not
 * work after a deployment. It needs no AWS account. `-- path/to/X.template.json …` checks these templates instead.
 */
import { readFileSync } from 'node:fs';
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { bundleHandlers } from '../lib/bundle.ts';
import { checkTemplate } from './aws-check/checks.ts';
import { synthesize, variants } from './aws-check/synthesize.ts';
import type { Finding, Template } from './aws-check/template.ts';
import { usesOfBundles } from './aws-check/uses.ts';

// CDK's own validation repeats a part of this check, for each variant.
process.env['CDK_VALIDATION'] = 'false';

const bundles = bundleHandlers();
const knowledge = { spec: await loadAwsServiceSpec(), uses: usesOfBundles(bundles.metafile) };
const files = process.argv.slice(2);
const templates: [name: string, read: () => Template][] =
  files.length > 0
    ? files.map((file) => [file, () => JSON.parse(readFileSync(file, 'utf8'))])
    : variants.map((variant) => [variant.name, () => synthesize(variant, bundles.directory)]);

/** The same finding in many variants is reported once, with the first of them. */
const found = new Map<string, string>();
for (const [name, read] of templates) {
  for (const finding of checkTemplate(read(), knowledge)) {
    const sentence = told(finding);
    if (!found.has(sentence)) found.set(sentence, name);
  }
}
for (const [sentence, name] of found) console.log(`${name}: ${sentence}`);
console.log(`Templates checked: ${templates.length}, findings: ${found.size}.`);
process.exitCode = found.size === 0 ? 0 : 1;

function told({ logicalId, problem, nextStep }: Finding): string {
  return `${logicalId}: ${problem} ${nextStep}`;
}
