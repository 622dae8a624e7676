import { colourOf } from '../colour.ts';
import type { User } from '../types.ts';
import { dress } from './style.ts';

function filled<E extends Element>(element: E, attributes: Record<string, string>, children: (Node | string)[]): E {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An element with attributes and children. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** The outermost element of a component. */
export function place<K extends keyof HTMLElementTagNameMap>(
  container: Element,
  tag: K,
  name: string,
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[K] {
  dress(container);
  const element = create(tag, { class: `rollcall rollcall-${name}`, ...attributes });
  container.append(element);
  return element;
}

export function button(text: string, onClick: () => void): HTMLButtonElement {
  const element = create('button', { type: 'button' }, text);
  element.onclick = onClick;
  return element;
}

const drawn = (tag: string, attributes: Record<string, string>, ...children: Node[]) =>
  filled(document.createElementNS('http://www.w3.org/2000/svg', tag) as SVGElement, attributes, children);

/** A decorative SVG image, hidden from screen readers. It is made without markup, because a page may require Trusted Types. */
export function drawing(box: string, outline: string): SVGElement {
  return drawn('svg', { viewBox: box, 'aria-hidden': 'true' }, drawn('path', { d: outline }));
}

/** The names and colours of users. */
export interface Looks {
  /** By default the name that the service knows. */
  nameOf?: (user: User) => string;
  /** A CSS colour with enough contrast to white text; by default a colour computed from the user's id, the same in each browser. */
  colourOf?: (user: User) => string;
}

export const looksOf = ({ nameOf = ({ username }) => username, colourOf: colour = colourOf }: Looks) => ({
  nameOf,
  colourOf: colour,
});
