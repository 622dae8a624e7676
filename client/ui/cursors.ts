import type { Session } from '../session-api.ts';
import type { Types, User } from '../types.ts';
import { create, drawing, type Looks, looksOf, mark, place } from './dom.ts';

/** A point of an element: shares of its width and height. `anchor` names the element; without it the surface is meant. */
export interface ElementPoint {
  anchor?: string;
  x: number;
  y: number;
}

export interface CursorOptions extends Looks {
  /** Whether this person's pointer is told to the others. Default true. */
  track?: boolean;
  /** The attribute by which elements within the surface are named. Default `data-rollcall-anchor`. */
  anchorAttribute?: string;
}

const arrow = 'M0 0v15l4-4h6z';

/**
 * Shows the others' pointers over a surface, and tells them of this person's. A pointer keeps its place in the element it
 * points at, whatever the size of the window, the zoom or the scroll position; elements with an anchor keep it even where
 * the layout differs. While the connection is lost the pointers are dimmed.
 *
 * @param surface becomes the containing block of the pointers: `position: relative` where it was static.
 * @returns takes it away.
 */
export function showCursors<T extends Types>(
  surface: HTMLElement,
  session: Session<T>,
  options: CursorOptions = {},
): () => void {
  const { track = true, anchorAttribute = 'data-rollcall-anchor' } = options;
  const { nameOf, colourOf } = looksOf(options);
  const view = surface.ownerDocument.defaultView!;
  const told = session as unknown as Session;
  if (view.getComputedStyle(surface).position === 'static') surface.style.position = 'relative';
  const layer = place(surface, 'div', 'cursors', { 'aria-hidden': 'true' });
  const pointers = new Map<string, HTMLElement>();
  let frame = 0;

  function elementOf(anchor: string | undefined): Element | null {
    return anchor ? surface.querySelector(`[${anchorAttribute}="${CSS.escape(anchor)}"]`) : surface;
  }

  function draw(): void {
    const { cursors, others, isStale } = told.getSnapshot();
    const base = layer.getBoundingClientRect();
    // A zoomed or scaled surface measures differently inside and outside.
    const scale = base.width / layer.offsetWidth || 1;
    const gone = new Set(pointers.keys());
    for (const { userId, cursor } of cursors) {
      const { anchor, x, y } = cursor as unknown as ElementPoint;
      const element = elementOf(anchor);
      const user = others.find((each) => each.userId === userId);
      if (!element || !user || !Number.isFinite(x) || !Number.isFinite(y)) continue;
      gone.delete(userId);
      const box = element.getBoundingClientRect();
      const left = (box.left - base.left + x * box.width) / scale;
      const top = (box.top - base.top + y * box.height) / scale;
      pointerOf(user).style.transform = `translate(${left}px,${top}px)`;
    }
    for (const userId of gone) {
      pointers.get(userId)!.remove();
      pointers.delete(userId);
    }
    mark(layer, 'data-stale', isStale);
  }

  function pointerOf(user: User): HTMLElement {
    const known = pointers.get(user.userId);
    if (known) return known;
    const pointer = create(
      'div',
      { 'data-user': user.userId },
      drawing('0 0 12 17', arrow),
      create('span', {}, nameOf(user)),
    );
    pointer.style.setProperty('--rollcall-colour', colourOf(user));
    pointers.set(user.userId, pointer);
    layer.append(pointer);
    return pointer;
  }

  function onMove({ target, clientX, clientY }: PointerEvent): void {
    const named = (target as Element).closest(`[${anchorAttribute}]`);
    const element = named && surface.contains(named) ? named : surface;
    const { left, top, width, height } = element.getBoundingClientRect();
    const share = (offset: number, size: number) => Math.round((1e5 * offset) / (size || 1)) / 1e5;
    const anchor = element === surface ? {} : { anchor: element.getAttribute(anchorAttribute)! };
    told.setCursor({ ...anchor, x: share(clientX - left, width), y: share(clientY - top, height) });
  }
  const onLeave = () => told.setCursor(null);

  /** The layout moved, not the pointers: they follow at once. */
  function onLayout(): void {
    view.cancelAnimationFrame(frame);
    frame = view.requestAnimationFrame(() => {
      mark(layer, 'data-still', true);
      draw();
      // The style has to be computed once without the transition.
      void layer.offsetWidth;
      mark(layer, 'data-still', false);
    });
  }

  const observer = new view.ResizeObserver(onLayout);
  observer.observe(surface);
  const stop = told.subscribe(draw);
  view.addEventListener('resize', onLayout);
  surface.addEventListener('scroll', onLayout, true);
  if (track) {
    surface.addEventListener('pointermove', onMove);
    surface.addEventListener('pointerleave', onLeave);
  }
  draw();
  return () => {
    stop();
    observer.disconnect();
    view.cancelAnimationFrame(frame);
    view.removeEventListener('resize', onLayout);
    surface.removeEventListener('scroll', onLayout, true);
    surface.removeEventListener('pointermove', onMove);
    surface.removeEventListener('pointerleave', onLeave);
    layer.remove();
  };
}
