import type { ClientWorld } from './client-world.ts';
import type { Device } from './device.ts';

interface Message {
  type: string;
  sessionId?: string;
  hidden?: boolean;
}

interface Heard {
  at: number;
  /** When the user times out without a further frame. */
  until: number;
}

/** The timeout of a connection that is marked `hidden` (rule PR17), in milliseconds. */
const hiddenMillis = 150_000;

/** Records the frames of clients and the last sign of life of each user. */
export class Recorder {
  readonly #world: ClientWorld;
  readonly #sent = new Map<Device, { at: number; message: Message }[]>();
  readonly #heard = new Map<string, Heard>();

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  sent(device: Device, message: Message): void {
    const list = this.#sent.get(device) ?? [];
    this.#sent.set(device, list);
    list.push({ at: this.#world.clock.now, message });
  }

  heard(userId: string, { hidden }: Message): void {
    const { now } = this.#world.clock;
    const until = now + (hidden ? hiddenMillis : this.#world.timings.offlineAfterMillis);
    const known = this.#heard.get(userId);
    this.#heard.set(userId, { at: now, until: Math.max(until, known?.until ?? 0) });
  }

  /** When the user times out without a further frame; undefined if there was no frame. */
  shownUntil(userId: string): number | undefined {
    return this.#heard.get(userId)?.until;
  }

  /** How many frames with a field a device sent since a time. */
  countSince(device: Device, moment: number, field: string): number {
    // The frame with the cursor may repeat the status.
    const has = (message: Message) => field in message && (field === 'cursor' || !('cursor' in message));
    return (this.#sent.get(device) ?? []).filter(({ at, message }) => at >= moment && has(message)).length;
  }
}
