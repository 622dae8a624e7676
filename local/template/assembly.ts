import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
  Condition?: string;
}

export interface Template {
  Parameters?: Record<string, { Type?: string; Default?: unknown }>;
  Conditions?: Record<string, unknown>;
  Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  Resources: Record<string, Resource>;
}

/** One synthesized stack: its template and the folders of its functions. */
export interface Assembly {
  stackName: string;
  template: Template;
  /** The asset folder with this S3 key, or undefined. */
  assetDirectory(s3Key: string): string | undefined;
}

interface Manifest {
  artifacts?: Record<
    string,
    { type: string; properties?: { templateFile?: string; file?: string; stackName?: string } }
  >;
}

interface AssetManifest {
  files?: Record<string, { source: { path?: string }; destinations: Record<string, { objectKey: string }> }>;
}

/**
 * Reads a cloud assembly that `cdk synth` wrote.
 *
 * @throws Error with one sentence if the folder has no assembly, or one with several stacks.
 */
export async function readAssembly(directory: string): Promise<Assembly> {
  const manifest = await readJson<Manifest>(join(directory, 'manifest.json'));
  const artifacts = Object.entries(manifest.artifacts ?? {});
  const stacks = artifacts.filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  const [stack] = stacks;
  if (!stack || stacks.length > 1) {
    throw new Error(`${directory} has ${stacks.length} stacks; choose an assembly with exactly one.`);
  }
  const templateFile = stack[1].properties?.templateFile;
  if (!templateFile) throw new Error(`The stack ${stack[0]} in ${directory} names no template file; synthesize again.`);
  const template = await readJson<Template>(join(directory, templateFile));
  if (typeof template.Resources !== 'object') throw new Error(`The template ${templateFile} has no resources.`);
  const assets = await readAssets(directory, manifest);
  return {
    stackName: stack[1].properties?.stackName ?? stack[0],
    template,
    assetDirectory: (s3Key) => assets.get(s3Key),
  };
}

async function readAssets(directory: string, manifest: Manifest): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const artifact of Object.values(manifest.artifacts ?? {})) {
    if (artifact.type !== 'cdk:asset-manifest' || !artifact.properties?.file) continue;
    const { files = {} } = await readJson<AssetManifest>(join(directory, artifact.properties.file));
    for (const { source, destinations } of Object.values(files)) {
      if (source.path === undefined) continue;
      for (const { objectKey } of Object.values(destinations)) paths.set(objectKey, join(directory, source.path));
    }
  }
  return paths;
}

async function readJson<T>(file: string): Promise<T> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch (error) {
    throw new Error(`${file} cannot be read as part of a cloud assembly: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
