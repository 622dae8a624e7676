import type { Session } from '../session-api.ts';
import type { Types, User } from '../types.ts';
import { create, drawing, type Looks, looksOf, place } from './dom.ts';

/** A point of an element, as fractions of its width and height. `anchor` names the element; by default it is the surface. */
export interface ElementPoint {
  anchor?: string;
  x: number;
  y: number;
}

export interface CursorOptions extends Looks {
  /** Whether this user's pointer is sent to the others. Default true. */
  track?: boolean;
  /** The attribute that names elements within the surface. Default `data-rollcall-anchor`. */
  anchorAttribute?: string;
}

const arrow = 'M0 0v15l4-4h6z';

/**
 * Shows the pointers of others on a surface, and sends the pointer of this user. A pointer keeps its place in its element for each
 * window size, zoom and scroll position. In elements with an anchor it keeps its place even if the layout differs. While the
 * connection is lost, the pointers are dimmed.
 *
 * @param surface the containing block of the pointers; it gets `position: relative` if its position is static.
 * @returns the function that removes it.
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
    // In a zoomed or scaled surface, lengths inside and outside differ.
    const scale = base.width / layer.offsetWidth || 1;
    const gone = new Map(pointers);
    for (const { userId, cursor } of cursors) {
      const { anchor, x, y } = cursor as unknown as ElementPoint;
      const element = elementOf(anchor);
      const user = others.find((each) => each.userId === userId);
      if (!element || !user || !Number.isFinite(x + y)) continue;
      gone.delete(userId);
      const box = element.getBoundingClientRect();
      const left = (box.left - base.left + x * box.width) / scale;
      const top = (box.top - base.top + y * box.height) / scale;
      pointerOf(user).style.transform = `translate(${left}px,${top}px)`;
    }
    for (const [userId, pointer] of gone) {
      pointer.remove();
      pointers.delete(userId);
    }
    layer.toggleAttribute('data-stale', isStale);
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

  /** If the layout changes, pointers move without a transition. */
  function onLayout(): void {
    view.cancelAnimationFrame(frame);
    frame = view.requestAnimationFrame(() => {
      layer.toggleAttribute('data-still', true);
      draw();
      // The browser must compute the style once without the transition.
      void layer.offsetWidth;
      layer.toggleAttribute('data-still', false);
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
