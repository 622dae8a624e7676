import type { Api, ApiError } from '../data/api.ts';
import { button, element } from './dom.ts';

export interface Csv {
  /** The path of the report at this moment. */
  path(): string;
  /** The name of the file. */
  name: string;
}

/** Saves a report as a file. It is read with the token of the page, which a plain link would not send. */
export function csvButton(api: Api, title: string, { path, name }: Csv): HTMLElement {
  const problem = element('span', { class: 'hint', attributes: { role: 'status' } });
  const save = button('Download CSV', () => void run(), 'button small');
  save.setAttribute('aria-label', `Download CSV: ${title}`);

  async function run(): Promise<void> {
    save.disabled = true;
    problem.textContent = '';
    try {
      const text = await api.readText(path());
      const href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
      element('a', { attributes: { href, download: name } }).click();
      URL.revokeObjectURL(href);
    } catch (error) {
      problem.textContent = (error as ApiError).message;
    } finally {
      save.disabled = false;
    }
  }

  return element('div', { class: 'controls' }, save, problem);
}
