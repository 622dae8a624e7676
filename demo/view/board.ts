import type { Cursor, PresenceUser } from '../../protocol/entities.ts';
import { type VenueItem, venue } from '../venue.ts';
import type { Colours } from './colours.ts';
import { button, element } from './dom.ts';
import { drawing } from './drawings.ts';
import { pointerIcon } from './icons.ts';

const step = 0.06;
const keys: Record<string, readonly [x: number, y: number]> = {
  ArrowLeft: [-step, 0],
  ArrowRight: [step, 0],
  ArrowUp: [0, -step],
  ArrowDown: [0, step],
};

/** A cursor of this page: the room, the position as fractions of its width and height, and the number of taps. */
export interface BoardCursor extends Cursor {
  x: number;
  y: number;
  taps: number;
}

/**
 * The plan with the pointers of all users. A pointer's position is relative to its room and not to the page, so users
 * with different screens point at the same thing.
 */
export class Board {
  readonly root: HTMLElement;
  readonly #rooms = new Map<string, HTMLButtonElement>();
  readonly #pointers = new Map<string, { node: HTMLElement; cursor: Cursor; taps: number }>();
  readonly #colours: Colours;
  readonly #onPoint: (cursor: BoardCursor) => void;
  readonly #resizing: ResizeObserver;
  readonly #selfId: string;
  #own: BoardCursor | undefined;
  /** Touch and keyboard have no system pointer, so the page shows one. */
  readonly #ownPointer = element(
    'div',
    { class: 'cursor' },
    pointerIcon(),
    element('span', { class: 'cursor-name' }, 'You'),
  );

  constructor(colours: Colours, selfId: string, onPoint: (cursor: BoardCursor) => void) {
    this.#colours = colours;
    this.#onPoint = onPoint;
    this.root = element('section', { class: 'board', attributes: { 'aria-label': 'Plan of the open day' } });
    for (const item of venue) this.#addRoom(item);
    this.root.addEventListener('pointermove', (event) => this.#pointAt(event, false));
    this.root.addEventListener('pointerdown', (event) => this.#pointAt(event, true));
    this.#selfId = selfId;
    this.#ownPointer.hidden = true;
    this.root.append(this.#ownPointer);
    this.#resizing = new ResizeObserver(() => this.#placeAll());
    this.#resizing.observe(this.root);
  }

  stop(): void {
    this.#resizing.disconnect();
  }

  /** Shows the pointers of exactly these users. */
  show(others: readonly PresenceUser[]): void {
    const pointing = others.filter(
      ({ cursor, status }) => status !== 'offline' && cursor?.eventId !== undefined && this.#rooms.has(cursor.eventId),
    );
    const shown = new Set(pointing.map(({ userId }) => userId));
    for (const [userId, { node }] of this.#pointers) {
      if (shown.has(userId)) continue;
      node.remove();
      this.#pointers.delete(userId);
    }
    for (const user of pointing) this.#showPointer(user, user.cursor!);
    this.#light(pointing);
  }

  #addRoom({ id, name, now, time, drawing: kind }: VenueItem): void {
    const room = button('', () => {}, 'room');
    room.dataset['room'] = id;
    room.append(
      drawing(kind),
      element('span', { class: 'room-name' }, name),
      element('span', { class: 'room-now' }, element('b', {}, time), ` ${now}`),
    );
    room.addEventListener('focus', () => {
      if (!room.matches(':focus-visible')) return;
      this.#ownPointer.hidden = false;
      if (this.#own?.eventId !== id) this.#tell(id, 0.5, 0.5, 0);
    });
    room.addEventListener('keydown', (event) => this.#onKey(event, id));
    this.#rooms.set(id, room);
    this.root.append(room);
  }

  #onKey(event: KeyboardEvent, id: string): void {
    const [dx, dy] = keys[event.key] ?? [0, 0];
    const isTap = event.key === 'Enter' || event.key === ' ';
    if (dx === 0 && dy === 0 && !isTap) return;
    event.preventDefault();
    const { x, y } = this.#own?.eventId === id ? this.#own : { x: 0.5, y: 0.5 };
    this.#tell(id, x + dx, y + dy, isTap && !event.repeat ? 1 : 0);
  }

  #pointAt(event: PointerEvent, isTap: boolean): void {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const room = under?.closest<HTMLElement>('[data-room]');
    const id = room?.dataset['room'];
    if (!room || !id) return;
    const { left, top, width, height } = room.getBoundingClientRect();
    this.#ownPointer.hidden = event.pointerType === 'mouse';
    this.#tell(id, (event.clientX - left) / width, (event.clientY - top) / height, isTap ? 1 : 0);
  }

  #tell(eventId: string, x: number, y: number, taps: number): void {
    const place = { x: Math.round(share(x) * 1000) / 1000, y: Math.round(share(y) * 1000) / 1000 };
    this.#own = { eventId, position: Math.round(place.x * 100), ...place, taps: (this.#own?.taps ?? 0) + taps };
    // Ask for the colour only now: the list of people must assign colours first, in the order of joining, so that all
    // screens agree.
    this.#ownPointer.style.setProperty('--person', this.#colours.of(this.#selfId));
    this.#place(this.#ownPointer, this.#own);
    this.#onPoint(this.#own);
  }

  #showPointer(user: PresenceUser, cursor: Cursor): void {
    let pointer = this.#pointers.get(user.userId);
    if (!pointer) {
      const node = element('div', { class: 'cursor', attributes: { 'data-user': user.userId } }, pointerIcon());
      node.append(element('span', { class: 'cursor-name' }, user.username));
      node.style.setProperty('--person', this.#colours.of(user.userId));
      pointer = { node, cursor, taps: number(cursor['taps'], 0) };
      this.#pointers.set(user.userId, pointer);
      this.root.append(node);
    }
    pointer.node.classList.toggle('resting', user.status === 'away');
    pointer.cursor = cursor;
    this.#place(pointer.node, cursor);
    const taps = number(cursor['taps'], 0);
    if (taps > pointer.taps) ripple(pointer.node);
    pointer.taps = taps;
  }

  #placeAll(): void {
    for (const { node, cursor } of this.#pointers.values()) this.#place(node, cursor);
    if (this.#own) this.#place(this.#ownPointer, this.#own);
  }

  #place(node: HTMLElement, cursor: Cursor): void {
    const room = this.#rooms.get(cursor.eventId ?? '');
    if (!room) return;
    const x = room.offsetLeft + share(cursor['x']) * room.offsetWidth;
    const y = room.offsetTop + share(cursor['y']) * room.offsetHeight;
    node.style.transform = `translate(${x}px, ${y}px)`;
    node.classList.toggle('flipped', x > this.root.clientWidth * 0.75);
    node.classList.toggle('raised', y > this.root.clientHeight - 44);
    node.dataset['at'] = cursor.eventId;
  }

  /** Gives a room the colour of a user who points at it. */
  #light(pointing: readonly PresenceUser[]): void {
    for (const [id, room] of this.#rooms) {
      const here = pointing.findLast(({ cursor }) => cursor?.eventId === id);
      room.classList.toggle('lit', here !== undefined);
      if (here) room.style.setProperty('--person', this.#colours.of(here.userId));
      const names = pointing.filter(({ cursor }) => cursor?.eventId === id).map(({ username }) => username);
      room.setAttribute('aria-description', names.length > 0 ? `${names.join(', ')} pointing here` : '');
    }
  }
}

/** Other clients may send any cursor, so the position is clamped to the room. */
function share(value: unknown): number {
  return Math.min(Math.max(number(value, 0.5), 0), 1);
}

function number(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

function ripple(pointer: HTMLElement): void {
  const wave = element('span', { class: 'wave' });
  wave.addEventListener('animationend', () => wave.remove());
  pointer.append(wave);
}
