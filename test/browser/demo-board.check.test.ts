import type { Person } from '../support/browser.ts';
import { faultsOf, useDemo } from '../support/demo.ts';

// Several users on the board of the demo.

const demo = useDemo();
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

/** Whether the pointer of somebody rests at this share of a card's size, less than two pixels away. */
const restsAt = (person: Person, name: string, card: string, x: number, y: number): Promise<boolean> =>
  person.page.evaluate(
    ({ name, card, x, y }) => {
      const pointers = [...document.querySelectorAll('.rollcall-cursors > *')];
      const tip = pointers.find((each) => each.textContent === name)?.getBoundingClientRect();
      const box = document.querySelector(`[data-card="${card}"]`)!.getBoundingClientRect();
      return tip !== undefined && Math.hypot(tip.x - box.x - x * box.width, tip.y - box.y - y * box.height) < 2;
    },
    { name, card, x, y },
  );

const placed = ({ page }: Person, card: string, place: string) =>
  page.locator(`[data-card="${card}"][data-place="${place}"]:not(.held)`).waitFor();

test('five users point and move cards, and each sees the others in the same colours', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const link = await ada.invite('Edit');
  const guests: Person[] = [];
  for (const name of ['Bob', 'Cleo', 'Dan', 'Eve']) guests.push(await demo.join(link, name));
  const everybody = [ada, ...guests];
  for (const { page } of everybody) await page.locator('.count', { hasText: '5' }).waitFor();
  const colours = everybody.map(({ page }) =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.person')]
        .map((row) => `${row.dataset['user']} ${getComputedStyle(row.querySelector('.face')!).backgroundColor}`)
        .toSorted(),
    ),
  );
  const [first, ...rest] = await Promise.all(colours);
  expect(new Set(first).size).toBe(5);
  for (const each of rest) expect(each).toEqual(first);

  for (const [index, name] of ['Bob', 'Cleo', 'Dan', 'Eve'].entries()) {
    const [guest, x] = [guests[index]!, 0.2 * (index + 1)];
    await guest.pointUntil(guest.card('Seed swap'), x, 0.5, () => restsAt(ada, name, 'seeds', x, 0.5));
  }
  const [bob, cleo] = guests as [Person, Person];
  await bob.page.mouse.down();
  await bob.point(bob.page.locator('[data-rollcall-anchor="cell-0-6"]'), 0.6, 0.5);
  await cleo.page.locator('[data-card="seeds"].held').getByText('Bob').waitFor();
  // Meanwhile no other user can take it.
  await cleo.card('Seed swap').focus();
  await cleo.page.keyboard.press('Enter');
  expect(await cleo.page.locator('.card-item.own').count()).toBe(0);
  await bob.page.mouse.up();
  for (const person of everybody) await placed(person, 'seeds', '0-13');
  await ada.feed('Bob moved Seed swap to Main stage, 15:30').waitFor();
});

test('a user who joins later finds the cards in their last places, even if all others had left', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const link = await ada.invite('Edit');
  await ada.card('Stars by day').focus();
  for (const key of ['Enter', 'ArrowUp', 'ArrowUp', 'ArrowRight', 'Enter']) await ada.page.keyboard.press(key);
  await placed(ada, 'stars', '1-1');
  await ada.feed('moved Stars by day to Workshop, 9:30').waitFor();
  await ada.page.goto(demo.stack.http);
  const bob = await demo.join(link, 'Bob');
  await placed(bob, 'stars', '1-1');
  await bob.feed('Ada moved Stars by day to Workshop, 9:30').waitFor();
});

test('if two users move different cards at the same time, both moves are kept', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const bob = await demo.join(await ada.invite('Edit'), 'Bob');
  const move = async (person: Person, card: string) => {
    await person.card(card).focus();
    for (const key of ['Enter', 'ArrowUp', 'Enter']) await person.page.keyboard.press(key);
  };
  await Promise.all([move(ada, 'Stars by day'), move(bob, 'Cake contest')]);
  for (const person of [ada, bob]) {
    await placed(person, 'stars', '2-0');
    await placed(person, 'cake', '2-0');
  }
});

test('a reaction appears at the pointer of its sender', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const bob = await demo.join(await ada.invite('Comment'), 'Bob');
  await ada.row('Bob').waitFor();
  await bob.pointUntil(bob.card('Opening'), 0.5, 0.5, () => restsAt(ada, 'Bob', 'opening', 0.5, 0.5));
  // The page watches before the reaction is sent, because a busy browser could show and remove it earlier.
  const watch = await ada.page.evaluateHandle(() => {
    const seen = Promise.withResolvers<{ kind: string | undefined; x: number; y: number }>();
    new MutationObserver((changes) => {
      const nodes = changes.flatMap(({ addedNodes }) => [...addedNodes]) as HTMLElement[];
      const flying = nodes.find((node) => node.classList?.contains('flying'));
      const box = document.querySelector('[data-card="opening"]')!.getBoundingClientRect();
      if (!flying) return;
      const share = (at: string, from: number, size: number) => (Number.parseFloat(at) - from) / size;
      const x = share(flying.style.left, box.left, box.width);
      const y = share(flying.style.top, box.top, box.height);
      seen.resolve({ kind: flying.dataset['kind'], x, y });
    }).observe(document.body, { childList: true });
    return { reaction: seen.promise };
  });
  await bob.page.getByRole('button', { name: 'Great' }).click();
  const { kind, x, y } = await watch.evaluate(({ reaction }) => reaction);
  expect(kind).toBe('star');
  expect(Math.hypot(x - 0.5, y - 0.5)).toBeLessThan(0.02);
  await ada.page.locator('.flying').waitFor({ state: 'detached' });
});

test('on a phone the users are at the top, pointers stay on their cards, and a finger moves a card', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const bob = await demo.join(await ada.invite('Edit'), 'Bob', phone);
  await ada.row('Bob').waitFor();
  const top = await bob.page.getByRole('list', { name: 'People in this session' }).boundingBox();
  expect(top!.y + top!.height).toBeLessThan(150);
  expect(await bob.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await faultsOf(bob)).toEqual([]);
  await ada.pointUntil(ada.card('Opening'), 0.9, 0.2, () => restsAt(bob, 'Ada', 'opening', 0.9, 0.2));

  const from = (await bob.card('Opening').boundingBox())!;
  const to = (await bob.page.locator('[data-rollcall-anchor="cell-2-3"]').boundingBox())!;
  const touch = await bob.page.context().newCDPSession(bob.page);
  const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', x: number, y: number) =>
    touch.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] });
  await send('touchStart', from.x + 20, from.y + 10);
  await send('touchMove', from.x + 30, from.y + 30);
  await send('touchMove', to.x + 20, to.y + 12);
  await send('touchEnd', 0, 0);
  for (const person of [ada, bob]) await placed(person, 'opening', '2-6');
});

test('a follower sees the viewport of the followed user until the follower scrolls', async () => {
  const ada = await demo.host('Plan together', 'Ada', { viewport: { width: 1000, height: 500 } });
  const bob = await demo.join(await ada.invite('Edit'), 'Bob', { viewport: { width: 1000, height: 500 } });
  await ada.row('Bob').waitFor();
  const card = await bob.openCard('Ada');
  await card.getByRole('button', { name: 'Follow Ada' }).click();
  await ada.page.getByText('Followed by Bob.').waitFor();
  const middle = ({ page }: Person) =>
    page.evaluate(() => (scrollY + innerHeight / 2) / document.documentElement.scrollHeight);
  const before = await middle(ada);
  await ada.page.evaluate(() => scrollTo(0, 240));
  const wanted = await middle(ada);
  expect(wanted).toBeGreaterThan(before + 0.1);
  await bob.page.waitForFunction((share) => {
    const seen = (scrollY + innerHeight / 2) / document.documentElement.scrollHeight;
    return Math.abs(seen - share) < 0.02;
  }, wanted);
  await bob.page.mouse.move(300, 300);
  await bob.page.mouse.wheel(0, -100);
  await bob.page.getByText('You follow Ada.').waitFor({ state: 'detached' });
});

test('a card can be moved by keyboard, a screen reader announces it, and Escape puts it back', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  await ada.page.getByRole('link', { name: 'Rollcall, start page' }).focus();
  const focused = () => ada.page.evaluate(() => document.activeElement?.getAttribute('data-card'));
  for (let presses = 0; (await focused()) !== 'opening'; presses += 1) {
    expect(presses).toBeLessThan(20);
    await ada.page.keyboard.press('Tab');
  }
  await ada.page.keyboard.press('Enter');
  await ada.page.keyboard.press('ArrowDown');
  await ada.page.getByRole('status').getByText('Workshop, 9:30.').waitFor({ state: 'attached' });
  await ada.page.getByRole('button', { name: 'Opening Mayor Lind 9:30–10:30 Workshop, held by' }).waitFor();
  expect(await focused()).toBe('opening');
  await ada.page.keyboard.press('Escape');
  await placed(ada, 'opening', '0-1');
  expect(await focused()).toBe('opening');
});

test('axe finds no problem on the start page, the board and its dialogs, in light and dark colours', async () => {
  const ada = await demo.open(undefined, { permissions: ['clipboard-read', 'clipboard-write'] });
  expect(await faultsOf(ada)).toEqual([]);
  await ada.start('Plan together', 'Ada');
  const link = await ada.invite('Edit');
  const bob = await demo.open(link);
  expect(await faultsOf(bob)).toEqual([]);
  await bob.enter('Bob');
  await ada.row('Bob').waitFor();
  await bob.card('Opening').focus();
  await bob.page.keyboard.press('Enter');
  await ada.page.locator('.card-item.held').waitFor();
  expect(await faultsOf(ada)).toEqual([]);
  await ada.openCard('Bob');
  expect(await faultsOf(ada)).toEqual([]);
  await ada.page.keyboard.press('Escape');
  await ada.openCard('Ada');
  expect(await faultsOf(ada)).toEqual([]);
  await ada.page.keyboard.press('Escape');
  await ada.page.getByRole('button', { name: 'Network' }).click();
  await ada.page.getByRole('dialog', { name: 'Network' }).waitFor();
  expect(await faultsOf(ada)).toEqual([]);
  await ada.page.keyboard.press('Escape');
  await ada.page.getByRole('button', { name: 'Invite' }).click();
  await ada.page.getByRole('dialog', { name: 'Invite people' }).getByRole('button', { name: 'Create a link' }).click();
  await ada.page.getByLabel('Invite link').waitFor();
  expect(await faultsOf(ada)).toEqual([]);
});
