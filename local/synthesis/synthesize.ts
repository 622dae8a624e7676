import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesisSettings } from '../../protocol/settings.ts';
import { runProgram } from '../processes/program.ts';
import { openBuildCache } from './build-cache.ts';
import { contentHash } from './content-hash.ts';

export interface SynthesisOptions {
  /** The folder with `cdk.json` and `node_modules`. */
  projectDirectory: string;
  /** The CDK app, below the project. */
  app: string;
  /** Files and folders of the project that the stack depends on. */
  sources: string[];
  /** Names of the environment variables that the stack depends on. */
  variables: readonly string[];
  /** The environment of the app. */
  environment: Record<string, string | undefined>;
  /** Is called when a slow step begins or ends. */
  progress(line: string): void;
  /** Aborts the synthesis. */
  signal?: AbortSignal | undefined;
}

const sourcesOfTheProject = ['bin', 'lib', 'lambdas', 'protocol', 'migrations', 'package-lock.json', 'cdk.json'];

/** The options of the synthesis for `npm start`. */
export function projectSynthesis(
  projectDirectory: string,
  environment: Record<string, string | undefined>,
  progress: (line: string) => void,
): SynthesisOptions {
  const stack = { app: 'bin/rollcall.ts', sources: sourcesOfTheProject, variables: synthesisSettings };
  return { projectDirectory, ...stack, environment, progress };
}

/**
 * Synthesizes a CDK app as the `cdk` command does, unless the cache has the result of the same sources and settings.
 *
 * @returns the folder of the cloud assembly.
 * @throws Error with the app's message if it fails.
 */
export async function synthesize(options: SynthesisOptions): Promise<string> {
  const { projectDirectory, app, sources, variables, environment, progress } = options;
  const settings = Object.fromEntries(variables.map((name) => [name, environment[name]?.trim() ?? '']));
  const hash = await contentHash(projectDirectory, [...sources, app], { ...settings, node: process.version });
  const cache = openBuildCache(join(projectDirectory, 'node_modules/.cache/rollcall'));
  return cache.folder('synth', hash, async (directory) => {
    progress('Synthesizing the stack …');
    const start = performance.now();
    await runApp(options, directory);
    progress(`Synthesized the stack in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  });
}

async function runApp(
  { projectDirectory, app, environment, signal }: SynthesisOptions,
  directory: string,
): Promise<void> {
  const variables = { ...environment, CDK_OUTDIR: directory, CDK_CONTEXT_JSON: await readContext(projectDirectory) };
  const { code, complaints } = await runProgram(process.execPath, [app], {
    cwd: projectDirectory,
    env: variables,
    signal,
  });
  if (code !== 0) throw new Error(sentenceOf(complaints) ?? `The CDK app ${app} ended with code ${code}.`);
}

async function readContext(projectDirectory: string): Promise<string> {
  const text = await readFile(join(projectDirectory, 'cdk.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  return JSON.stringify((JSON.parse(text) as { context?: unknown }).context ?? {});
}

/**
 * Extracts the error message from a program's error output, without source excerpt, stack and warnings. Without an
 * error message, it returns the first other line; if that line ends with a colon, the next line too.
 */
export function sentenceOf(complaints: string): string | undefined {
  const lines = complaints.split('\n').map((line) => line.trimEnd());
  const thrown = lines.find((line) => /^(?:Uncaught )?\w*Error(?: \[\w+\])?: ./.test(line));
  if (thrown) return thrown.replace(/^(?:Uncaught )?\w*Error(?: \[\w+\])?: /, '');
  const said = lines.filter((line) => /^(?!WARNING|\[|\(node:|node:)\S/.test(line));
  return said[0]?.endsWith(':') ? said.slice(0, 2).join(' ') : said[0];
}
