import { colourOf } from '../colour.ts';
import type { User } from '../types.ts';
import { dress } from './style.ts';

/** An element with attributes and children. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
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

/** A decorative SVG image, hidden from screen readers. */
export function drawing(box: string, path: string): SVGElement {
  const template = create('template', {});
  template.innerHTML = `<svg viewBox="${box}" aria-hidden="true"><path d="${path}"/></svg>`;
  return template.content.firstElementChild as SVGElement;
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
