import { colourOf } from '../../client/ui/index.ts';
import { element } from '../room/dom.ts';
import { type DemoSession, type Held, mayEdit } from '../room/types.ts';
import type { Placements } from './placements.ts';
import { type Card, cards, clockAt, firstHour, fitting, hours, laneName, lanes, type Place, sharesOf } from './plan.ts';

/** A card that a user has picked up. */
export interface Holding {
  place: Place;
  name: string;
  colour: string;
  isOwn: boolean;
}

/** The plan of the day: a timeline with lanes, and the ideas that are not planned yet. */
export interface BoardView {
  root: HTMLElement;
  /** The element of a card. */
  cardOf(id: string): HTMLElement;
  /** Draws the board; `own` is the card that this user holds. */
  update(own: Held | undefined): void;
  /** Whether the hours run from top to bottom, as on a phone, and not from left to right. */
  isUpright(): boolean;
  /** The place under a point of the window; undefined outside the board. */
  placeAt(x: number, y: number): Place | undefined;
}

export function createBoard(session: DemoSession, placements: () => Placements | undefined): BoardView {
  const hoursRow = element('div', { class: 'hours', attributes: { 'aria-hidden': 'true' } });
  for (let hour = 0; hour < hours; hour += 1) hoursRow.append(element('span', {}, `${firstHour + hour}:00`));
  const laneElements = lanes.map((name, lane) => createLane(name, lane));
  const day = element('div', { class: 'day' }, hoursRow, ...laneElements.map(({ root }) => root));
  const ideas = element('div', { class: 'ideas-cards' });
  const tray = element(
    'section',
    { class: 'ideas', attributes: { 'aria-label': 'Ideas', 'data-rollcall-anchor': 'ideas' } },
    element('h2', {}, 'Ideas'),
    ideas,
  );
  const help = element(
    'p',
    { class: 'hidden-text', attributes: { id: 'card-help' } },
    'Press Enter to take the card, the arrow keys to move it, Enter to put it down, Escape to put it back.',
  );
  const root = element('div', { class: 'board' }, day, tray, help);
  const elements = new Map(cards.map((card) => [card.id, createCard(card)]));

  const isUpright = () => {
    const { width, height } = laneElements[0]!.track.getBoundingClientRect();
    return height > width;
  };

  /** The held cards. If two users hold the same card, the later one in the list is shown. */
  function holdings(own: Held | undefined): Map<string, Holding> {
    const held = new Map<string, Holding>();
    for (const user of session.others) {
      const { held: theirs } = user.data;
      if (!theirs || user.status === 'offline') continue;
      held.set(theirs.card, { place: theirs, name: user.username, colour: colourOf(user), isOwn: false });
    }
    const { self } = session;
    if (own && self) held.set(own.card, { place: own, name: 'You', colour: colourOf(self), isOwn: true });
    return held;
  }

  function update(own: Held | undefined): void {
    const held = holdings(own);
    const placed = cards.map((card) => ({
      ...card,
      place: held.get(card.id)?.place ?? placements()?.of(card.id) ?? card.place,
    }));
    const shares = sharesOf(placed);
    for (const { id, place, length } of placed) {
      const node = elements.get(id)!;
      const holding = held.get(id);
      const parent = laneElements[place.lane]?.track ?? ideas;
      if (node.parentElement !== parent) moveTo(parent, node);
      const { start } = fitting(place, length);
      const { part, parts } = shares.get(id) ?? { part: 0, parts: 1 };
      const values = { '--start': start, '--length': length, '--part': part, '--parts': parts };
      for (const [name, value] of Object.entries(values)) node.style.setProperty(name, String(value));
      node.style.setProperty('--person', holding?.colour ?? 'transparent');
      node.classList.toggle('held', holding !== undefined);
      node.classList.toggle('own', holding?.isOwn === true);
      node.dataset['place'] = place.lane < 0 ? 'ideas' : `${place.lane}-${start}`;
      const write = (part: string, text: string) => {
        node.querySelector(`.card-${part}`)!.textContent = text;
      };
      write('time', place.lane < 0 ? '' : `${clockAt(start)}–${clockAt(start + length)}`);
      write('holder', holding && !holding.isOwn ? holding.name : '');
      write('lane', `${laneName(place)}${holding ? ', held by' : ''}`);
      node.setAttribute('aria-disabled', String(!mayEdit(session)));
    }
    tray.classList.toggle('empty', ideas.children.length === 0);
  }

  return {
    root,
    cardOf: (id) => elements.get(id)!,
    update,
    isUpright,
    placeAt(x, y) {
      const isIn = (node: Element) => {
        const { left, right, top, bottom } = node.getBoundingClientRect();
        return x >= left && x <= right && y >= top && y <= bottom;
      };
      if (isIn(tray)) return { lane: -1, start: 0 };
      const lane = laneElements.findIndex(({ track }) => isIn(track));
      if (lane < 0) return undefined;
      const { left, top, width, height } = laneElements[lane]!.track.getBoundingClientRect();
      const share = isUpright() ? (y - top) / height : (x - left) / width;
      return { lane, start: Math.round(share * hours * 2) };
    },
  };
}

function createLane(name: string, lane: number) {
  const track = element('div', { class: 'track' });
  for (let hour = 0; hour < hours; hour += 1) {
    track.append(element('span', { class: 'cell', attributes: { 'data-rollcall-anchor': `cell-${lane}-${hour}` } }));
  }
  const root = element(
    'section',
    { class: 'lane', attributes: { 'aria-label': name } },
    element('h2', {}, name),
    track,
  );
  return { root, track };
}

function createCard({ id, title, host, topic }: Card): HTMLElement {
  const attributes = {
    type: 'button',
    'data-card': id,
    'data-topic': topic,
    'data-rollcall-anchor': `card-${id}`,
    'aria-describedby': 'card-help',
  };
  return element(
    'button',
    { class: 'card-item', attributes },
    element('strong', {}, title),
    element('small', {}, host),
    element('span', { class: 'card-time' }),
    element('span', { class: 'card-lane hidden-text' }),
    element('span', { class: 'card-holder' }),
  );
}

/** Moving an element removes its focus and its pointer capture. The focus is restored. */
function moveTo(parent: Element, node: HTMLElement): void {
  const hadFocus = document.activeElement === node;
  parent.append(node);
  if (hadFocus) node.focus({ preventScroll: true });
}
