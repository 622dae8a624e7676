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

/** Registers machines and takes their signs of life. A machine belongs to the user who registered its id first. */
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
   * Registers a machine, or updates its name and metadata. Both count as a sign of life.
   *
   * @returns the machine and whether it was inactive before. If so, the connections of its owner are told.
   * @throws RollcallError MACHINE_NOT_FOUND if the id belongs to another owner.
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
   * Takes a sign of life. The liveness cache writes it to PostgreSQL with its next batch, unless a recent one is stored
   * already.
   *
   * @param time the time according to the clock of the machine, Unix milliseconds; it is clamped (rule PR15).
   * @returns whether the sign of life will be written.
   * @throws RollcallError MACHINE_NOT_FOUND if the machine is unknown or belongs to another owner, UNAVAILABLE while
   *   PostgreSQL is away.
   */
  async heartbeat(userId: string, machineId: string, time?: number): Promise<boolean> {
    const at = clampMachineTime(time, this.#clock());
    await this.#requireOwner(userId, machineId);
    return at !== undefined && this.#liveness.queueMachineUpdate(machineId, at);
  }

  /** The cache answers `false` also while PostgreSQL is away (rule LC1). This method throws UNAVAILABLE then. */
  async #requireOwner(userId: string, machineId: string): Promise<void> {
    if (await this.#liveness.isMachineValid(machineId, userId)) return;
    if (!(await this.#repository.isOwnedBy(machineId, userId))) return notFound();
    // PostgreSQL answers again. The cache has to load the machine before it takes a sign of life.
    await this.#liveness.isMachineValid(machineId, userId);
  }

  list(userId: string): Promise<Machine[]> {
    return this.#repository.listOf(userId);
  }
}

function notFound(): never {
  throw new RollcallError('MACHINE_NOT_FOUND', 'You have no machine with this id. Register it first.');
}
