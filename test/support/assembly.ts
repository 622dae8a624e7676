import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentName } from '../../lib/settings.ts';
import { projectSynthesis, synthesize } from '../../local/synthesis/synthesize.ts';

interface Template {
  Resources: Record<string, { Type: string; Properties: { Environment?: { Variables: Record<string, string> } } }>;
}

const projectDirectory = join(__dirname, '..', '..');

/**
 * Returns the product's cloud assembly with these settings written into its functions. The result equals a synthesis
 * with these settings, but the functions are not bundled again for each test file.
 *
 * @param directory folder for the changed assembly; its bundles are not copied.
 * @param environment the sizes of the stack. Default: dev.
 */
export async function assemblyWith(
  settings: Record<string, string>,
  directory: string,
  environment: EnvironmentName = 'dev',
): Promise<string> {
  const made = environment === 'dev' ? process.env['ROLLCALL_ASSEMBLY_DIR'] : undefined;
  const whole = made ?? (await synthesize(ownSynthesis(environment)));
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(whole)) {
    const [from, to] = [join(whole, name), join(directory, name)];
    if (name.endsWith('.template.json')) await writeFile(to, withSettings(await readFile(from, 'utf8'), settings));
    else await symlink(from, to);
  }
  return directory;
}

function ownSynthesis(name: EnvironmentName) {
  return projectSynthesis(projectDirectory, { ...process.env, ROLLCALL_ENVIRONMENT: name }, () => {});
}

function withSettings(text: string, settings: Record<string, string>): string {
  const template = JSON.parse(text) as Template;
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type === 'AWS::Lambda::Function' && Properties.Environment) {
      Object.assign(Properties.Environment.Variables, settings);
    }
  }
  return JSON.stringify(template);
}
