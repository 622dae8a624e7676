import { element } from './dom.ts';

const shownMillis = 6000;

/** Short messages in a corner, for example why an action failed. */
export interface Toasts {
  root: HTMLElement;
  say(sentence: string): void;
  /** Runs an action. If it fails, shows why. */
  attempt(action: () => Promise<unknown>): Promise<void>;
}

export function createToasts(): Toasts {
  const root = element('div', { class: 'toasts', attributes: { role: 'status' } });
  const say = (sentence: string) => {
    const toast = element('p', { class: 'toast' }, sentence);
    root.append(toast);
    setTimeout(() => toast.remove(), shownMillis);
  };
  return {
    root,
    say,
    async attempt(action) {
      try {
        await action();
      } catch (error) {
        say((error as Error).message);
      }
    },
  };
}
