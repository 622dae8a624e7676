import { Advice, findProgram, findSystemInstaller, installSystemPackage, isProgram } from './shell.mjs';
import { inTurn } from './turn.mjs';

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const macPrograms = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const advice =
  'The browser tests need Chromium: install it (Debian: `apt-get install chromium`) or set CHROMIUM_PATH to a Chrome or Chromium program.';

/** The browser for the tests: CHROMIUM_PATH, one on the PATH, or undefined. */
export function findChromium() {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) {
    if (isProgram(chosen)) return chosen;
    throw new Advice(`CHROMIUM_PATH is "${chosen}", which is not a program; correct or remove the variable.`);
  }
  return findProgram(programs) ?? macPrograms.find(isProgram);
}

/**
 * Installs Chromium if that needs no password.
 *
 * @throws Advice if it needs a password or fails.
 */
export async function installChromium() {
  const installer = findSystemInstaller();
  // With Homebrew, a browser is a cask, which asks questions. The user installs it.
  if (installer?.kind !== 'apt') throw new Advice(advice);
  await inTurn('system-packages', async () => {
    if (!findChromium()) await installSystemPackage(installer, { apt: 'chromium' });
  });
  const found = findChromium();
  if (!found) throw new Advice(advice);
  return found;
}
