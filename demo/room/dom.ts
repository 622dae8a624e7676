type Child = Node | string;

interface Properties {
  class?: string;
  attributes?: Record<string, string>;
  on?: Record<string, (event: Event) => void>;
}

/** Creates an element. Texts become text nodes, so user input is never parsed as HTML. */
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

export function button(label: Child, onClick: () => void, className = 'button'): HTMLButtonElement {
  return element('button', { class: className, attributes: { type: 'button' }, on: { click: onClick } }, label);
}

/** A form field with its label. */
export function field(label: string, input: HTMLElement): HTMLLabelElement {
  return element('label', { class: 'field' }, element('span', { class: 'field-label' }, label), input);
}

export interface Choice<V extends string> {
  value: V;
  label: string;
}

/** Radio buttons that look like one control. `show` marks a choice without calling `onChoose`. */
export function choices<V extends string>(
  legend: string,
  options: readonly Choice<V>[],
  onChoose: (value: V) => void,
): { root: HTMLElement; show(value: V): void } {
  const name = `choice-${crypto.randomUUID()}`;
  const inputs = options.map(({ value }) => {
    const attributes = { type: 'radio', name, value };
    return element('input', { attributes, on: { change: () => onChoose(value) } });
  });
  const labels = options.map(({ label }, index) =>
    element('label', { class: 'choice' }, inputs[index]!, element('span', {}, label)),
  );
  const root = element(
    'fieldset',
    { class: 'choices' },
    element('legend', { class: 'field-label' }, legend),
    ...labels,
  );
  return {
    root,
    show(value) {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}

const svgNamespace = 'http://www.w3.org/2000/svg';

export function svg(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const made = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
