import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the reference tells of, and the declaration file that has it. Those after the exports are properties of the construct. */
const sections: readonly (readonly [name: string, file: string])[] = [
  ['Rollcall', 'lib/rollcall'],
  ['RollcallProps', 'lib/rollcall'],
  ['Identity', 'lib/identity-provider'],
  ['UserPoolProps', 'lib/user-pool'],
  ['ExistingDatabaseProps', 'lib/existing-stores'],
  ['ExistingCacheProps', 'lib/existing-stores'],
  ['DomainProps', 'lib/domain'],
  ['Sizes', 'lib/settings'],
  ['Throttle', 'lib/settings'],
  ['sizes', 'lib/settings'],
  ['SettingName', 'protocol/timings'],
  ['HandlerName', 'lib/handlers'],
  ['Metrics', 'lib/metrics'],
  ['WebSocketApi', 'lib/websocket-api'],
  ['HttpApi', 'lib/http-api'],
  ['RollcallFunction', 'lib/lambda-function'],
  ['Observability', 'lib/observability'],
  ['UserPool', 'lib/user-pool'],
  ['Domain', 'lib/domain'],
  ['Cache', 'lib/stores'],
  ['Database', 'lib/stores'],
];

/** The package brings the bundles, so its users do not give them. */
const omitted = ['RollcallProps.bundleOf'];

/**
 * The API reference of `@rollcall/cdk` as a page in Markdown, from the docstrings.
 *
 * @param types the folder with the declaration files of the package.
 * @throws Error that names a declaration that is missing.
 */
export function referenceOf(types: string): string {
  const parts = sections.map(([name, file]) => sectionOf(name, readFileSync(join(types, `${file}.d.ts`), 'utf8')));
  return `${heading}\n${parts.join('\n')}`;
}

const heading = `# Reference of @rollcall/cdk

\`npm run build:cdk -- --reference\` writes this page from the docstrings of the sources. [Deployment](deployment.md) says how to use the
construct.
`;

function sectionOf(name: string, declarations: string): string {
  const start = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n)?export (?:declare )?(class|interface|type|const) ${name}\\b([^\\n]*)\\n`,
  );
  const found = start.exec(declarations);
  if (!found) throw new Error(`The declaration files have no ${name}; correct the list in scripts/cdk-reference.ts.`);
  const [whole, comment = '', kind, rest = ''] = found;
  const lines = [`## ${name}`, '', ...paragraphs(comment)];
  if (kind === 'class' || kind === 'interface') {
    const body = declarations.slice(found.index + whole.length).split('\n}')[0]!;
    lines.push(...membersOf(body).flatMap((member) => memberLines(name, member)));
  } else if (kind === 'type') {
    lines.push('```text', `type ${name}${rest}`, '```', '');
  }
  return lines.join('\n');
}

interface Member {
  comment: string;
  signature: string;
}

/** The public members of a class or an interface, which stand at four spaces, each with its docstring. */
function membersOf(body: string): Member[] {
  const member =
    /^ {4}(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n {4})?(?!\/|\}| |private\b)([^\n]*(?:\n {8}[^\n]*|\n {4}\}[^\n]*)*)/gm;
  return [...body.matchAll(member)].map(([, comment = '', signature = '']) => ({ comment, signature }));
}

function memberLines(owner: string, { comment, signature }: Member): string[] {
  const [, name = ''] = /^(?:readonly |get )?(\w+)/.exec(signature) ?? [];
  if (name === 'constructor' || omitted.includes(`${owner}.${name}`)) return [];
  const shown = signature.replace(/\n {4}/g, '\n').replace(/;$/, '');
  return [`### ${owner}.${name}`, '', '```text', shown, '```', '', ...paragraphs(comment)];
}

/** The text of a docstring: its paragraphs, and each tag as an item of a list. */
function paragraphs(comment: string): string[] {
  const text = comment
    .replace(/^\s*\/\*\*|\*\/\s*$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join('\n')
    .trim();
  if (text === '') return [];
  const blocks = text.split(/\n\n|\n(?=@)/).map((block) => block.replaceAll('\n', ' '));
  return blocks.flatMap((block) => [
    block.replace(/^@throws (?:Error )?/, 'Throws an error ').replace(/^@param (\w+)/, '`$1`:'),
    '',
  ]);
}
