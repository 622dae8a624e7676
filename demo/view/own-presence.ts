import { type Status, statuses } from '../../protocol/entities.ts';
import { limits } from '../../protocol/limits.ts';
import { element, field } from './dom.ts';

const labels: Record<Status, string> = { online: 'Online', away: 'Away', offline: 'Invisible' };

export interface OwnPresenceOptions {
  onChoose: (status: Status) => void;
  onDescribe: (text: string) => void;
}

/** The user's own status and activity. */
export class OwnPresence {
  readonly root: HTMLElement;
  readonly #radios = new Map<Status, HTMLInputElement>();

  constructor({ onChoose, onDescribe }: OwnPresenceOptions) {
    const choices = statuses.map((status) => {
      const radio = element('input', {
        attributes: { type: 'radio', name: 'status', value: status },
        on: { change: () => onChoose(status) },
      });
      this.#radios.set(status, radio);
      return element('label', { class: 'choice' }, radio, element('span', {}, labels[status]));
    });
    const input = element('input', {
      attributes: {
        name: 'activity',
        maxlength: String(limits.activityCharacters),
        placeholder: 'Arranging the chairs',
        autocomplete: 'off',
      },
    });
    const submit = (event: Event) => {
      event.preventDefault();
      onDescribe(input.value);
    };
    this.root = element(
      'form',
      { class: 'own', on: { submit } },
      element('fieldset', { class: 'choices' }, element('legend', { class: 'field-label' }, 'Your status'), ...choices),
      field(
        'What you are doing',
        element(
          'span',
          { class: 'joined-field' },
          input,
          element('button', { class: 'button', attributes: { type: 'submit' } }, 'Set'),
        ),
      ),
    );
  }

  show(status: Status): void {
    const radio = this.#radios.get(status);
    if (radio) radio.checked = true;
  }
}
