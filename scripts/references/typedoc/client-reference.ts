import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Application, LogLevel, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';

/** `docs/client-reference`: each export of the client package, from the docstrings. TypeDoc makes the pages. */

const folder = 'docs/client-reference';
const title = '# Reference of @rollcall/client';
const introduction = `\`npm run references\` writes these pages from the docstrings of the sources. [The client package](../client.md) is
the place to begin.`;

/** Types that users never name; the reference shows them where they are used. */
const unnamed = [
  ...['Binding', 'BroadcastName', 'BroadcastsOf', 'Current', 'CursorOf', 'DataOf', 'Declared', 'Device', 'Environment'],
  ...['IsEqual', 'Listener', 'MetadataOf', 'Service', 'SocketConstructor'],
];

/** How the pages look: one for each entry point, with tables. */
const looks: Partial<PluginOptions> = {
  outputFileStrategy: 'modules',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: true,
  expandParameters: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  pageTitleTemplates: { module: ({ name }) => importOf(name) },
};

/** The files that the package is compiled from. */
function entryPointsOf(project: string): string[] {
  const { files } = JSON.parse(readFileSync(join(project, 'client/tsconfig.json'), 'utf8')) as { files: string[] };
  return files.map((file) => join(project, 'client', file));
}

/** The import of an entry point, from the name of its module. */
function importOf(module: string): string {
  return ['@rollcall/client', ...module.replace('client', '').split('-').filter(Boolean)].join('/');
}

/**
 * @param project the folder of the checkout.
 * @returns the text of each page by its path.
 * @throws Error with the warnings of TypeDoc: an export without a docstring, a link to nothing, or a type that is not exported.
 */
export async function clientReference(project: string): Promise<Record<string, string>> {
  const out = mkdtempSync(join(tmpdir(), 'rollcall-reference-'));
  try {
    const options: Partial<TypeDocOptions & PluginOptions> = {
      entryPoints: entryPointsOf(project),
      tsconfig: join(project, 'client/tsconfig.json'),
      plugin: ['typedoc-plugin-markdown'],
      out,
      name: title.slice(2),
      readme: 'none',
      logLevel: LogLevel.Warn,
      disableSources: true,
      excludeExternals: true,
      excludeInternal: true,
      sort: ['source-order'],
      validation: { invalidLink: true, notExported: true, notDocumented: true },
      intentionallyNotExported: unnamed,
      requiredToBeDocumented: ['Class', 'Function', 'Interface', 'Method', 'TypeAlias', 'Variable'],
      ...looks,
    };
    const application = await Application.bootstrapWithPlugins(options);
    const warnings: string[] = [];
    application.logger.warn = (text: string) => void warnings.push(text);
    const reflections = await application.convert();
    if (!reflections) throw new Error('The client does not compile; run npx tsc -p client.');
    application.validate(reflections);
    await application.generateOutputs(reflections);
    if (warnings.length > 0) throw new Error(`The reference is incomplete:\n${warnings.join('\n')}`);
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .sort();
    const textOf = (name: string) =>
      readFileSync(join(out, name), 'utf8').replace(title, `${title}\n\n${introduction}`);
    return Object.fromEntries(names.map((name) => [`${folder}/${name}`, textOf(name)]));
  } finally {
    rmSync(out, { recursive: true });
  }
}
