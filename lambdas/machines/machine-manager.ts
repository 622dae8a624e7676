import type { Machine } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { displayName } from '../../protocol/names.ts';
import type { MachineRepository } from './machine-repository.ts';
import { clampMachineTime } from './machine-time.ts';

/** The part of the liveness cache that machines use. */
export interface MachineLiveness {
  isMachineValid(machineId: string, userId: string): Promise<boolean>;
  queueMachineUpdate(machineId: string, timestamp: number): boolean;
}

export interface MachineManagerOptions {
  repository: MachineRepository;
  liveness: MachineLiveness;
  /** Unix milliseconds; the system's clock by default. */
  clock?: (() => number) | undefined;
}

export interface MachineOwner {
  userId: string;
  username: string;
}

/** Registers machines and takes their signs of life. A machine belongs to whoever registered its id first. */
export class MachineManager {
  readonly #repository: MachineRepository;
  readonly #liveness: MachineLiveness;
  readonly #clock: () => number;

  constructor({ repository, liveness, clock = Date.now }: MachineManagerOptions) {
    this.#repository = repository;
    this.#liveness = liveness;
    this.#clock = clock;
  }

  /**
   * Makes a machine known, or renews its name and metadata; either is a sign of life.
   *
   * @returns the machine and whether this brought it back to life, which its owner's connections are told.
   * @throws RollcallError MACHINE_NOT_FOUND where the id is another owner's.
   */
  async register(
    owner: MachineOwner,
    machine: { machineId: string; name: string; metadata?: Record<string, unknown> | undefined },
  ): Promise<{ machine: Machine; revived: boolean }> {
    const registered = await this.#repository.upsert({
      ownerId: owner.userId,
      ownerName: owner.username,
      machineId: machine.machineId,
      name: displayName(machine.name),
      metadata: machine.metadata ?? {},
      at: this.#clock(),
    });
    return registered ?? notFound();
  }

  /**
   * Takes a sign of life. It reaches PostgreSQL with the liveness cache's next batch, and only where it says something
   * new.
   *
   * @param time what the machine says the time is, Unix milliseconds; clamped (rule PR15).
   * @returns whether there is something to write.
   * @throws RollcallError MACHINE_NOT_FOUND for an unknown machine and for another owner's, UNAVAILABLE while PostgreSQL
   *   is away.
   */
  async heartbeat(userId: string, machineId: string, time?: number): Promise<boolean> {
    const at = clampMachineTime(time, this.#clock());
    await this.#requireOwner(userId, machineId);
    return at !== undefined && this.#liveness.queueMachineUpdate(machineId, at);
  }

  /** The cache takes a database that cannot tell for a no (rule LC1); here the two are told apart. */
  async #requireOwner(userId: string, machineId: string): Promise<void> {
    if (await this.#liveness.isMachineValid(machineId, userId)) return;
    if (!(await this.#repository.isOwnedBy(machineId, userId))) return notFound();
    // It can tell again, and the cache has to know the machine before it takes a beat.
    await this.#liveness.isMachineValid(machineId, userId);
  }

  list(userId: string): Promise<Machine[]> {
    return this.#repository.listOf(userId);
  }
}

function notFound(): never {
  throw new RollcallError('MACHINE_NOT_FOUND', 'There is no such machine of yours; register it first.');
}
