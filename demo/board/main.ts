import { showCursors } from '../../client/ui/index.ts';
import { enterRoom } from '../room/enter.ts';
import { showShell } from '../room/shell.ts';
import { type Held, mayEdit } from '../room/types.ts';
import { createBoard } from './board.ts';
import { letMove } from './moving.ts';
import { createPlacements, movedType, type Placements } from './placements.ts';
import { cards, placeName } from './plan.ts';

const room = await enterRoom('Plan the open day');
const { session } = room;
let placements: Placements | undefined;
let own: Held | undefined;

const view = createBoard(session, () => placements);
const update = () => view.update(own);
placements = createPlacements(session, update);

const titleOf = (id: unknown) => cards.find((card) => card.id === id)?.title;
const { feed, toasts } = showShell(room, {
  title: 'Plan the open day',
  subtitle: 'Move the cards together. Everybody sees where you point.',
  surface: view.root,
  tell({ activityType, details }) {
    const { card, plan = {} } = details as { card?: string; plan?: Record<string, { lane: number; start: number }> };
    const place = card === undefined ? undefined : plan[card];
    if (activityType !== movedType || !place) return undefined;
    return `moved ${titleOf(card)} to ${placeName(place)}`;
  },
});
showCursors(view.root, session);

letMove({
  view,
  session,
  placeOf: (card) => placements.of(card),
  held(held) {
    own = held;
    session.setData({ held: held ?? null });
    update();
  },
  dropped(card, place) {
    void toasts.attempt(() => placements.move(card, place));
    feed.add({ who: session.self!.username, did: `moved ${titleOf(card)} to ${placeName(place)}`, at: Date.now() });
  },
});

function onChange(): void {
  // A user who loses the role for it does not hold the card any more.
  if (own && !mayEdit(session)) {
    own = undefined;
    session.setData({ held: null });
  }
  update();
}
session.subscribe(onChange);
// After a reload, this user holds no card.
if (session.self?.data.held) session.setData({ held: null });
onChange();
