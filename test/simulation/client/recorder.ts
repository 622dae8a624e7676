import type { ClientWorld } from './client-world.ts';
import type { Device } from './device.ts';

interface Message {
  type: string;
  sessionId?: string;
  hidden?: boolean;
}

interface Heard {
  at: number;
  /** Until when the service waits for the next frame. */
  until: number;
}

/** Until when a connection that said `hidden` is waited for (rule PR17). */
const hiddenMillis = 150_000;

/** What clients sent, and when the service heard each user last. */
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

  /** Until when the user may be shown although nothing more is heard; undefined where they were never heard. */
  shownUntil(userId: string): number | undefined {
    return this.#heard.get(userId)?.until;
  }

  /** How many frames with a field a device sent since a moment. */
  countSince(device: Device, moment: number, field: string): number {
    return (this.#sent.get(device) ?? []).filter(({ at, message }) => at >= moment && field in message).length;
  }
}
