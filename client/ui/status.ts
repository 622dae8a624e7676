import type { Client } from '../client-api.ts';
import type { Types } from '../types.ts';
import { button, place } from './dom.ts';
import { type Words, wordsOf } from './words.ts';

/** The options of {@link showStatus}. */
export interface StatusOptions {
  /** Whether it is visible while the connection is open; screen readers get the text in any case. Default false. */
  always?: boolean;
  words?: Partial<Words>;
}

/** Shows the state of the connection as a sentence, and announces it to screen readers. @returns the function that removes it. */
export function showStatus<T extends Types>(
  container: Element,
  client: Client<T>,
  options: StatusOptions = {},
): () => void {
  const words = wordsOf(options.words);
  const banner = place(container, 'div', 'status');
  const text = place(banner, 'span', 'text', { role: 'status' });
  const retry = button(words.retry, client.connect);
  function update(): void {
    const { state } = client;
    banner.dataset['state'] = state;
    text.textContent = words.connection[state];
    if (/waiting|closed/.test(state)) banner.append(retry);
    else retry.remove();
    banner.toggleAttribute('data-quiet', state === 'open' && !options.always);
  }
  update();
  const stop = client.on('state', update);
  return () => {
    stop();
    banner.remove();
  };
}
