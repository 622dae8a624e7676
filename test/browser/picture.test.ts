import { join } from 'node:path';
import { Person, startBrowser } from '../support/browser.ts';
import { startTestStack } from '../support/stack.ts';

/**
 * Runs only on request, so that a normal run changes no file: `ROLLCALL_PICTURE=1 npm test -- test/browser/picture`.
 */
const onRequest = process.env['ROLLCALL_PICTURE'] ? test : test.skip;

onRequest('the picture of the README shows people and where they point', async () => {
  const [stack, { browser, server }] = await Promise.all([startTestStack({}, { pages: true }), startBrowser()]);
  const alice = await Person.open(browser, stack.http, 'Alice', { deviceScaleFactor: 1.5 });
  const url = await alice.create('Open day, planning');
  const bob = await Person.open(browser, url, 'Bob');
  await alice.row('Bob').waitFor();
  const chiara = await Person.open(browser, url, 'Chiara');
  await alice.row('Chiara').waitFor();
  await bob.page.getByLabel('What you are doing').fill('Arranging the chairs');
  await bob.page.getByRole('button', { name: 'Set' }).click();
  await alice.row('Bob').getByText('Arranging the chairs').waitFor();
  await bob.point('main-stage', 0.56, 0.62);
  await chiara.point('workshop', 0.4, 0.55);
  await Promise.all([alice.cursorOf('Bob').waitFor(), alice.cursorOf('Chiara').waitFor()]);
  await alice.page.screenshot({
    path: join(import.meta.dirname, '../../docs/images/demo.png'),
    animations: 'disabled',
  });
  expect([...alice.complaints, ...bob.complaints, ...chiara.complaints]).toEqual([]);
  await browser.close();
  await server.close();
  await stack.close();
});
