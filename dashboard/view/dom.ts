export type Child = Node | string;

interface Properties {
  class?: string;
  attributes?: Record<string, string>;
  on?: Record<string, (event: Event) => void>;
}

/** Creates an element. Texts become text nodes, so no text of the service is parsed as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { class: className, attributes = {}, on = {} }: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children);
  return made;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

export function svg(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const made = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export function button(label: Child, onClick: () => void, className = 'button'): HTMLButtonElement {
  return element('button', { class: className, attributes: { type: 'button' }, on: { click: onClick } }, label);
}

export function link(label: Child, href: string, className = ''): HTMLAnchorElement {
  return element('a', { class: className, attributes: { href } }, label);
}

/** A form field with its label. */
export function field(label: string, input: HTMLElement): HTMLLabelElement {
  return element('label', { class: 'field' }, element('span', {}, label), input);
}

/** A list to choose one value from. */
export function select(
  label: string,
  options: readonly (readonly [value: string, label: string])[],
  chosen: string,
  onChoose: (value: string) => void,
): HTMLLabelElement {
  const list = element('select', { on: { change: () => onChoose(list.value) } });
  for (const [value, text] of options) list.append(element('option', { attributes: { value } }, text));
  list.value = chosen;
  return field(label, list);
}
