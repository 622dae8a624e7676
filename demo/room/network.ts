import { openDialog } from './dialog.ts';
import { button, choices, element } from './dom.ts';
import { icon } from './icons.ts';
import type { Toasts } from './toasts.ts';

type Network = 'good' | 'bad' | 'none';

/** The faults of the local stack that simulate a bad network; see `local/faults.ts`. */
const badFaults = { slowPostMillis: 700, throttle: 0.1 };

/**
 * A switch for the simulated network. The bad network is a fault of the local stack, so it affects everybody on this machine.
 * The loss of the network affects only this tab: it gets the same event that a browser sends.
 */
export function createNetworkSwitch(toasts: Toasts): HTMLButtonElement {
  let isCut = false;
  const label = element('span', {}, 'Network');
  const open = button(icon('network'), () => void toasts.attempt(ask), 'button network');
  open.append(label);

  async function ask(): Promise<void> {
    const { slowPostMillis } = await faults();
    const present: Network = isCut ? 'none' : slowPostMillis > 0 ? 'bad' : 'good';
    openDialog('Network', () => {
      const options: { value: Network; label: string }[] = [
        { value: 'good', label: 'Good' },
        { value: 'bad', label: 'Bad' },
        { value: 'none', label: 'None' },
      ];
      const choice = choices('Try it out', options, (network) => void toasts.attempt(() => set(network)));
      choice.show(present);
      const lines = [
        'Bad: messages of the service are 0.7 s late, and one in ten is refused at first. This affects everybody on this machine.',
        'None: this tab alone is offline. What you do meanwhile is sent when you return.',
      ];
      return [choice.root, ...lines.map((line) => element('p', { class: 'quiet' }, line))];
    });
  }

  async function set(network: Network): Promise<void> {
    await faults(network === 'bad' ? badFaults : {});
    const shallCut = network === 'none';
    if (shallCut !== isCut) dispatchEvent(new Event(shallCut ? 'offline' : 'online'));
    isCut = shallCut;
    open.dataset['network'] = network;
    label.textContent = { good: 'Network', bad: 'Bad network', none: 'No network' }[network];
  }
  return open;
}

/** Reads or sets the faults of the local stack. */
async function faults(settings?: object): Promise<{ slowPostMillis: number }> {
  const init = settings && { method: 'POST', body: JSON.stringify(settings) };
  const response = await fetch('/dev/faults', init);
  if (!response.ok) throw new Error('Only a stack on this machine can have a bad network; start one with npm start.');
  return (await response.json()) as { slowPostMillis: number };
}
