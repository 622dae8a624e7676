import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Advice, runWithProgress } from './shell.mjs';
import { inTurn } from './turn.mjs';

/**
 * Settings of npm for reaching the registry. Other settings are removed, because they could change what is installed.
 */
const keptNpmSettings =
  /^npm_config_(registry|.*:registry|\/\/.*|https?_proxy|https_proxy|proxy|noproxy|cafile|ca|cert|key|strict_ssl|cache|userconfig|globalconfig|fetch_.*|maxsockets|prefer_offline|offline)$/i;

/**
 * Installs the packages of package-lock.json if some are missing or differ. It stores a fingerprint, so that the next
 * start only compares two short texts.
 *
 * @throws Advice if npm fails.
 */
export async function ensurePackages(project) {
  if (isInstalled(project)) return;
  const folder = createHash('sha256').update(project).digest('hex').slice(0, 16);
  await inTurn(`packages-${folder}`, async () => {
    if (isInstalled(project)) return;
    if (!matchesLock(project)) await install(project);
    replace(stampFile(project), fingerprint(project));
  });
}

function stampFile(project) {
  return join(project, 'node_modules', '.rollcall-setup');
}

/** npm's own record of what is in node_modules. */
function recordFile(project) {
  return join(project, 'node_modules', '.package-lock.json');
}

/** Writes a new file. A copy of the project made of hard links (`cp -al`) shares the old one, and has not installed this. */
function replace(file, text) {
  rmSync(file, { force: true });
  writeFileSync(file, text);
}

/** The lock file pins all packages, also Node.js. The platform is included because binaries differ. */
function fingerprint(project) {
  const lock = readFileSync(join(project, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform} ${process.arch}`).digest('hex');
}

function isInstalled(project) {
  return existsSync(stampFile(project)) && readFileSync(stampFile(project), 'utf8') === fingerprint(project);
}

/** Whether npm's record of node_modules matches the lock file, for example after a manual `npm install`. */
function matchesLock(project) {
  const record = recordFile(project);
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(record, 'utf8')).packages;
  const differs = ([path, entry]) => {
    const found = present[path];
    if (!found) return !entry.optional && !entry.devOptional && !entry.peer;
    return found.version !== entry.version || found.integrity !== entry.integrity;
  };
  return !Object.entries(wanted).some(([path, entry]) => path !== '' && differs([path, entry]));
}

async function install(project) {
  // npm writes its record in place.
  const record = recordFile(project);
  if (existsSync(record)) replace(record, readFileSync(record));
  // If npm started this process, use the same npm; otherwise the one on the PATH.
  const ownNpm = process.env.npm_execpath;
  const fromNpm = ownNpm !== undefined && basename(ownNpm).startsWith('npm-cli');
  const [program, ...prefix] = fromNpm ? [process.execPath, ownNpm] : ['npm'];
  // Not `npm ci`: it refuses a lock file without the optional binaries of a platform, and a registry with an incomplete
  // mirror produces such lock files. `--no-save` follows the lock file and does not change it.
  const args = ['install', '--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const code = await runWithProgress(
    'Installing the packages of package-lock.json',
    program,
    [...prefix, ...args, '--package-lock=true', '--ignore-scripts=false', '--loglevel=error'],
    { cwd: project, env: cleanEnvironment() },
  ).catch((error) => {
    throw new Advice(
      `npm could not be started (${error.code}): install npm, which comes with Node.js, and start again.`,
    );
  });
  if (code !== 0) {
    throw new Advice(
      `npm install failed with code ${code}, see above: make sure the package registry can be reached and start again.`,
    );
  }
}

/** Removes NODE_ENV, because `production` would omit the development dependencies, and settings of other projects. */
function cleanEnvironment() {
  const entries = Object.entries(process.env).filter(
    ([name]) => name !== 'NODE_ENV' && (!/^npm_config_/i.test(name) || keptNpmSettings.test(name)),
  );
  return Object.fromEntries(entries);
}
