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

/** The outermost element of a component, in its place. */
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

/** A drawing that says nothing by itself. */
export function drawing(box: string, path: string): SVGElement {
  const template = create('template', {});
  template.innerHTML = `<svg viewBox="${box}" aria-hidden="true"><path d="${path}"/></svg>`;
  return template.content.firstElementChild as SVGElement;
}

/** Sets an attribute without a value, or takes it away. */
export function mark(element: Element, name: string, isSet: boolean): void {
  element.toggleAttribute(name, isSet);
}

/** How users are named and coloured. */
export interface Looks {
  /** By default the name the service knows. */
  nameOf?: (user: User) => string;
  /** A CSS colour on which white text can be read; by default one that every viewer computes alike from the user's id. */
  colourOf?: (user: User) => string;
}

export const looksOf = ({ nameOf = ({ username }) => username, colourOf: colour = colourOf }: Looks) => ({
  nameOf,
  colourOf: colour,
});
