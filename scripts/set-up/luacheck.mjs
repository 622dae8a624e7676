import { Advice, findProgram, findSystemInstaller, installSystemPackage } from './shell.mjs';
import { inTurn } from './turn.mjs';

/**
 * Makes sure that luacheck, which checks the Redis scripts, is on the PATH.
 *
 * @throws Advice if it cannot be installed without a password.
 */
export async function provideLuacheck() {
  if (findProgram(['luacheck'])) return;
  const installer = findSystemInstaller();
  if (installer) {
    await inTurn('system-packages', async () => {
      if (!findProgram(['luacheck'])) await installSystemPackage(installer, { apt: 'lua-check', brew: 'luacheck' });
    });
  }
  if (!findProgram(['luacheck'])) {
    throw new Advice(
      'The check of the Redis scripts needs luacheck: install it (Debian: `apt-get install lua-check`).',
    );
  }
}
