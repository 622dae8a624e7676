import { element } from '../room/dom.ts';
import { type DemoSession, type Held, mayEdit } from '../room/types.ts';
import type { BoardView } from './board.ts';
import { cards, fitting, lanes, type Place, placeName } from './plan.ts';

/** A pointer that moves less than this many pixels picks up no card. */
const dragPixels = 5;

export interface MovingOptions {
  view: BoardView;
  session: DemoSession;
  placeOf: (card: string) => Place;
  /** Called when the held card of this user changes. */
  held: (held: Held | undefined) => void;
  /** Called when this user puts a card down in another place. */
  dropped: (card: string, place: Place) => void;
}

const keys: Record<string, (place: Place) => Place> = {
  ArrowLeft: ({ lane, start }) => ({ lane, start: start - 1 }),
  ArrowRight: ({ lane, start }) => ({ lane, start: start + 1 }),
  ArrowUp: ({ lane, start }) => ({ lane: lane < 0 ? lanes.length - 1 : Math.max(0, lane - 1), start }),
  ArrowDown: ({ lane, start }) => ({ lane: lane < 0 || lane === lanes.length - 1 ? -1 : lane + 1, start }),
};

/** Lets the user move cards with the mouse, a finger or the keyboard. */
export function letMove({ view, session, placeOf, held, dropped }: MovingOptions): () => void {
  const said = element('p', { class: 'hidden-text', attributes: { role: 'status' } });
  view.root.append(said);
  let own: Held | undefined;

  function hold(next: Held | undefined, sentence = ''): void {
    if (next && own && next.lane === own.lane && next.start === own.start) return;
    own = next;
    said.textContent = sentence;
    held(next);
  }
  function drop(): void {
    if (!own) return;
    const { card, lane, start } = own;
    const before = placeOf(card);
    const isElsewhere = before.lane !== lane || before.start !== start;
    hold(undefined, `Put down: ${placeName({ lane, start })}.`);
    if (isElsewhere) dropped(card, { lane, start });
  }
  const cancel = () => hold(undefined, 'Put back.');
  const cardUnder = (target: EventTarget | null) => {
    const id = (target as Element | null)?.closest<HTMLElement>('[data-card]')?.dataset['card'];
    return cards.find((card) => card.id === id);
  };
  const isTaken = (id: string) => session.others.some(({ data }) => data.held?.card === id);

  function onPointerDown(event: PointerEvent): void {
    const card = cardUnder(event.target);
    if (!card || event.button !== 0 || !mayEdit(session) || isTaken(card.id)) return;
    const node = view.cardOf(card.id);
    const box = node.getBoundingClientRect();
    const grip = { x: event.clientX - box.left, y: event.clientY - box.top };
    const isTrayCard = placeOf(card.id).lane < 0;
    const onMove = ({ clientX, clientY }: PointerEvent) => {
      const isFar = Math.hypot(clientX - event.clientX, clientY - event.clientY) >= dragPixels;
      if (!own && !isFar) return;
      const { x, y } = isTrayCard ? { x: 12, y: 12 } : grip;
      // The lane is the one under the pointer; the time is the one under the left or upper edge of the card.
      const under = view.placeAt(clientX, clientY);
      const begin = view.placeAt(clientX - x, clientY) ?? under;
      const beginDown = view.placeAt(clientX, clientY - y) ?? under;
      const start = view.isUpright() ? beginDown?.start : begin?.start;
      if (under) hold({ card: card.id, ...fitting({ lane: under.lane, start: start ?? under.start }, card.length) });
    };
    const finish = (end: () => void) => () => {
      removeEventListener('pointermove', onMove);
      removeEventListener('pointerup', onUp);
      removeEventListener('pointercancel', onCancel);
      end();
    };
    const onUp = finish(drop);
    const onCancel = finish(cancel);
    addEventListener('pointermove', onMove);
    addEventListener('pointerup', onUp);
    addEventListener('pointercancel', onCancel);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const card = cardUnder(event.target);
    if (!card || !mayEdit(session)) return;
    const isHeld = own?.card === card.id;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      if (isHeld) drop();
      else if (isTaken(card.id)) said.textContent = 'Somebody else holds this card.';
      else hold({ card: card.id, ...placeOf(card.id) }, `Taken: ${card.title}. Move it with the arrow keys.`);
    } else if (event.key === 'Escape' && isHeld) cancel();
    else if (isHeld && keys[event.key]) {
      event.preventDefault();
      const move = keys[view.isUpright() ? turned[event.key]! : event.key]!;
      const place = fitting(move(own!), card.length);
      hold({ card: card.id, ...place }, `${placeName(place)}.`);
    }
  }
  /** If the focus moves to another element, the card is put back. */
  function onFocusOut({ target, relatedTarget }: FocusEvent): void {
    const isOther = own && cardUnder(target)?.id === own.card && relatedTarget;
    if (isOther && cardUnder(relatedTarget)?.id !== own?.card) cancel();
  }

  view.root.addEventListener('pointerdown', onPointerDown);
  view.root.addEventListener('keydown', onKeyDown);
  view.root.addEventListener('focusout', onFocusOut);
  return () => {
    view.root.removeEventListener('pointerdown', onPointerDown);
    view.root.removeEventListener('keydown', onKeyDown);
    view.root.removeEventListener('focusout', onFocusOut);
  };
}

/** On a phone the hours run from top to bottom, so the arrow keys change their meaning. */
const turned: Record<string, string> = {
  ArrowUp: 'ArrowLeft',
  ArrowDown: 'ArrowRight',
  ArrowLeft: 'ArrowUp',
  ArrowRight: 'ArrowDown',
};
