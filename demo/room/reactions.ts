import { colourOf, type ElementPoint } from '../../client/ui/index.ts';
import { button, element } from './dom.ts';
import { icon } from './icons.ts';
import { type DemoSession, type DemoUser, mayReact, type ReactionKind, reactionKinds } from './types.ts';

const names: Record<ReactionKind, string> = {
  heart: 'Love it',
  star: 'Great',
  thumb: 'Agreed',
  bolt: 'Hurry',
  question: 'Question',
};

/** Buttons that send a reaction to everybody. It appears where the sender points, and is not stored. */
export function showReactions(container: HTMLElement, surface: HTMLElement, session: DemoSession): () => void {
  const buttons = reactionKinds.map((kind) => {
    const made = button(icon(kind, 22), () => react(kind), 'reaction');
    made.setAttribute('aria-label', names[kind]);
    made.title = names[kind];
    return made;
  });
  const bar = element(
    'div',
    { class: 'reactions', attributes: { role: 'group', 'aria-label': 'Reactions' } },
    ...buttons,
  );
  container.append(bar);

  function react(kind: ReactionKind): void {
    const { self } = session;
    if (!self) return;
    // The buttons are outside the surface, so the pointer has left it. The last point inside is used.
    session.broadcast('reaction', { kind, ...(lastPoint && { point: lastPoint }) });
    rise(self, kind, lastPoint);
  }

  let lastPoint: ElementPoint | undefined;
  function remember(): void {
    lastPoint = session.self?.cursor ?? lastPoint;
    for (const each of buttons) each.disabled = !mayReact(session);
  }

  function rise(user: DemoUser, kind: ReactionKind, point: ElementPoint | undefined): void {
    const target = point?.anchor && surface.querySelector(`[data-rollcall-anchor="${CSS.escape(point.anchor)}"]`);
    const box = (target || (point ? surface : bar)).getBoundingClientRect();
    const { x, y } = point ?? { x: 0.5, y: 0 };
    const flying = element('span', { class: 'flying', attributes: { 'data-kind': kind } }, icon(kind, 34));
    flying.style.setProperty('--person', colourOf(user));
    flying.style.left = `${box.left + x * box.width}px`;
    flying.style.top = `${box.top + y * box.height}px`;
    flying.addEventListener('animationend', () => flying.remove());
    document.body.append(flying);
  }

  const stops = [
    session.subscribe(remember),
    session.on('broadcast', (sent) => {
      if (sent.event !== 'reaction') return;
      const user = session.others.find(({ userId }) => userId === sent.userId);
      if (user) rise(user, sent.payload.kind, sent.payload.point);
    }),
  ];
  remember();
  return () => {
    for (const stop of stops) stop();
    bar.remove();
  };
}
