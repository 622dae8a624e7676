import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sizes } from '../../lib/settings.ts';
import { synthesize } from '../../scripts/aws-check/synthesize.ts';
import { type Finding, resourcesOf, type Template } from '../../scripts/aws-check/template.ts';

process.env['CDK_VALIDATION'] = 'false';

const bundle = mkdtempSync(join(tmpdir(), 'rollcall-aws-check-test-'));
writeFileSync(join(bundle, 'index.mjs'), 'export const handler = async () => {};');
const text = JSON.stringify(synthesize({ sizes: sizes.prod }, () => bundle));
rmSync(bundle, { recursive: true });

/** A copy of the template of prod, for a test to change. */
export function prodTemplate(): Template {
  return JSON.parse(text);
}

// biome-ignore lint/suspicious/noExplicitAny: a test changes properties at any depth, which have no types.
type Properties = Record<string, any>;

/** The first resource of a type whose logical id begins like this. */
export function find(template: Template, type: string, idStart = ''): [id: string, properties: Properties] {
  const found = resourcesOf(template, type).filter(([id]) => id.startsWith(idStart));
  if (found.length === 0) throw new Error(`The template has no ${type} ${idStart}.`);
  return found[0] as [string, Properties];
}

/** The logical ids of the findings, and the sentences, for `toEqual`. */
export function told(findings: Finding[]): string[] {
  return findings.map(({ logicalId, problem, nextStep }) => `${logicalId}: ${problem} ${nextStep}`);
}
