import { join } from 'node:path';
import type { Person } from '../support/browser.ts';
import { useDemo } from '../support/demo.ts';

/**
 * Runs only on request, so that a normal run changes no file: `ROLLCALL_PICTURE=1 npm test -- test/browser/picture`.
 */
const onRequest = process.env['ROLLCALL_PICTURE'] ? test : test.skip;
const demo = useDemo();
const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 1.5 };

const take = ({ page }: Person, name: string) =>
  page.screenshot({ path: join(import.meta.dirname, '../../docs/images', `${name}.png`), animations: 'disabled' });

onRequest('the pictures of the board show people, where they point and what they move', async () => {
  const ada = await demo.host('Plan together', 'Ada', { deviceScaleFactor: 1.5 });
  const link = await ada.invite('Edit');
  const ben = await demo.join(link, 'Ben', { colorScheme: 'dark', deviceScaleFactor: 1.5 });
  const chiara = await demo.join(link, 'Chiara', phone);
  const dan = await demo.join(link, 'Dan');
  await ada.row('Dan').waitFor();
  const card = await dan.openCard('Dan');
  await card.getByLabel('What you are doing').fill('Looking for a place for the band');
  await card.getByRole('button', { name: 'Set' }).click();
  await dan.point(dan.card('Brass band'), 0.5, 0.5);
  await dan.page.mouse.down();
  await dan.point(dan.page.locator('[data-rollcall-anchor="cell-2-5"]'), 0.4, 0.5);
  await ben.point(ben.card('Mend a bicycle'), 0.7, 0.6);
  await ada.point(ada.card('A city for bees'), 0.6, 0.6);
  await Promise.all([ada.pointerOf('Ben').waitFor(), ada.pointerOf('Dan').waitFor(), ben.pointerOf('Ada').waitFor()]);
  for (const { page } of [ada, ben, chiara]) await page.locator('[data-card="brass"].held').waitFor();
  await take(ada, 'demo');
  await take(ben, 'demo-dark');
  await take(chiara, 'demo-phone');
});

onRequest('the picture of the document shows selections', async () => {
  const ada = await demo.host('Write together', 'Ada');
  const ben = await demo.join(await ada.invite('Edit'), 'Ben');
  await ben.page.locator('.cm-line').filter({ hasText: 'seeds you have' }).click();
  await ben.page.keyboard.press('Home');
  await ben.page.keyboard.press('Shift+End');
  await ada.page.locator('.cm-ySelectionInfo').waitFor();
  await ada.page.locator('.cm-content').focus();
  await ada.page.keyboard.press('Control+End');
  await ada.page.keyboard.type('I bring two cakes.');
  await ben.page.getByText('I bring two cakes.').waitFor();
  await take(ada, 'demo-document');
});
