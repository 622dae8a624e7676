import type { Person } from '../support/browser.ts';
import { faultsOf, useDemo } from '../support/demo.ts';

// Several users in the text of the demo.

const demo = useDemo();

async function pair(role: 'Watch' | 'Edit' = 'Edit'): Promise<{ ada: Person; bob: Person; link: string }> {
  const ada = await demo.host('Write together', 'Ada');
  const link = await ada.invite(role);
  const bob = await demo.join(link, 'Bob');
  await ada.row('Bob').waitFor();
  return { ada, bob, link };
}

const textOf = ({ page }: Person) =>
  page.evaluate(() => {
    const text = document.querySelector('.cm-content')!.cloneNode(true) as HTMLElement;
    for (const caret of text.querySelectorAll('.cm-ySelectionCaret')) caret.remove();
    return [...text.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n');
  });

/** Waits until the text of a user contains all of these. */
const reads = ({ page }: Person, ...texts: string[]) =>
  page.waitForFunction((wanted) => {
    const text = document.querySelector('.cm-content')?.textContent ?? '';
    return wanted.every((each) => text.includes(each));
  }, texts);

async function type(person: Person, key: 'Control+Home' | 'Control+End', text: string): Promise<void> {
  await person.page.locator('.cm-content').focus();
  await person.page.keyboard.press(key);
  await person.page.keyboard.type(text);
}

/** Selects a line. */
async function select({ page }: Person, line: string): Promise<void> {
  await page.locator('.cm-line').filter({ hasText: line }).click();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
}

/** Waits until a user sees exactly this text as the selection of that user. */
function shows(person: Person, text: string, name: string): Promise<unknown> {
  return person.page.waitForFunction(
    ({ text, name }) => {
      const join = (kind: string) =>
        [...document.querySelectorAll(`.cm-${kind}`)].map((each) => each.textContent).join('');
      return join('ySelection') === text && join('ySelectionInfo') === name;
    },
    { text, name },
  );
}

test('two users see each other’s selections, and after both type at the same time their texts are equal', async () => {
  const { ada, bob } = await pair();
  await select(bob, 'Come and see us!');
  await shows(ada, 'Come and see us!', 'Bob');
  await select(ada, 'What to bring');
  await shows(bob, 'What to bring', 'Ada');
  await Promise.all([type(ada, 'Control+Home', 'From Ada. '), type(bob, 'Control+End', 'From Bob.')]);
  for (const person of [ada, bob]) await reads(person, 'From Ada. ', 'From Bob.');
  expect(await textOf(bob)).toBe(await textOf(ada));
});

test('a user who joins later, reloads, or may only watch reads the present text', async () => {
  const { ada, bob } = await pair('Watch');
  await type(ada, 'Control+End', 'Written before.');
  await reads(bob, 'Written before.');
  expect(await bob.page.locator('.cm-content').getAttribute('contenteditable')).toBe('false');
  const cleo = await demo.join(ada.page.url(), 'Cleo');
  await reads(cleo, 'Written before.');
  await ada.page.reload();
  await reads(ada, 'Written before.');
  const card = await ada.openCard('Bob');
  await card.getByText('Edit', { exact: true }).click();
  await bob.page.locator('.cm-content[contenteditable="true"]').waitFor();
  await ada.page.keyboard.press('Escape');
  await type(bob, 'Control+Home', 'Now I may. ');
  for (const person of [ada, cleo]) await reads(person, 'Now I may. ', 'Written before.');
});

test('text that was typed without a network is in both editors afterwards', async () => {
  const { ada, bob } = await pair();
  await bob.page.context().setOffline(true);
  await bob.page.getByText('The connection is lost.').waitFor();
  await type(bob, 'Control+End', 'Typed offline.');
  await type(ada, 'Control+Home', 'Typed online. ');
  await bob.page.context().setOffline(false);
  for (const person of [ada, bob]) await reads(person, 'Typed offline.', 'Typed online. ');
  expect(await textOf(bob)).toBe(await textOf(ada));
});

test('a lost change of the text is sent again', async () => {
  const ada = await demo.host('Write together', 'Ada');
  const link = await ada.invite('Edit');
  const bob = await demo.open(link);
  let lost = 0;
  await bob.page.routeWebSocket(/\/live/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      const isLost = lost < 3 && String(message).startsWith('{"type":"broadcast"');
      if (isLost) lost += 1;
      else socket.send(message);
    });
  });
  await bob.page.reload();
  await bob.enter('Bob');
  await ada.row('Bob').waitFor();
  await type(ada, 'Control+End', 'One.');
  await reads(bob, 'One.');
  expect(lost).toBe(3);
});

test('two tabs of one user have the same text', async () => {
  const { ada, bob } = await pair();
  const [second] = await Promise.all([
    bob.page.waitForEvent('popup'),
    bob.page.evaluate(() => void open(location.href)),
  ]);
  await ada.row('Bob').getByText('2 tabs').waitFor();
  await type(bob, 'Control+End', 'From the first tab.');
  await second.waitForFunction(() => document.body.textContent?.includes('From the first tab.'));
  await reads(ada, 'From the first tab.');
});

test('axe finds no problem on the document, in light and dark colours', async () => {
  const { ada, bob } = await pair();
  await select(bob, 'Come and see us!');
  await shows(ada, 'Come and see us!', 'Bob');
  expect(await faultsOf(ada)).toEqual([]);
});
