import type { BaseWorld } from './base-world.ts';
import { inPlace } from './context.ts';

/** One call of a function. A killed invocation stops at its present await and never continues. */
export class Invocation {
  dead = false;
  readonly #world: BaseWorld;
  readonly id: number;
  readonly name: string;
  #stepsLeft: number;

  constructor(world: BaseWorld, id: number, name: string, stepsLeft: number) {
    this.#world = world;
    this.id = id;
    this.name = name;
    this.#stepsLeft = stepsLeft;
  }

  /** Counts an await. @returns true if the environment is killed at this one. */
  dies(where: string): boolean {
    if (this.dead) return true;
    this.#stepsLeft -= 1;
    if (this.#stepsLeft > 0) return false;
    this.dead = true;
    this.#world.note(`${this.name}#${this.id} is KILLED ${where}`);
    this.#world.killed(this);
    return true;
  }
}

/** The answer of a function. The simulated gateway handles it as API Gateway does. */
export interface Answer {
  statusCode?: number;
  body?: string;
}
export type Handler = (event: unknown, context: unknown) => Promise<Answer | undefined | string | object>;

const functionMillis = 10_000;
const sweepMillis = 63_000;
const sweepName = 'timeout-sweep';
const millisOf = (name: string) => (name === sweepName ? sweepMillis : functionMillis);

/** The execution environments: each event gets one, and some are killed. */
export class Environments {
  readonly #world: BaseWorld;
  readonly #handlers: Record<string, Handler>;
  #invocations = 0;

  constructor(world: BaseWorld, handlers: Record<string, Handler>) {
    this.#world = world;
    this.#handlers = handlers;
  }

  /**
   * Runs a function and calls back with its answer, unless it is killed. A failed function answers with status 500.
   *
   * @param millis its time limit.
   */
  invoke(name: string, event: unknown, done: (answer: Answer) => void = () => {}, millis = millisOf(name)): void {
    const world = this.#world;
    const isSweep = name === sweepName;
    const doomed = world.faulty && world.random.chance(world.profile.kills * (isSweep ? 4 : 1));
    const steps = doomed ? world.random.int(1, isSweep ? 120 : 9) : Number.POSITIVE_INFINITY;
    const invocation = new Invocation(world, ++this.#invocations, name, steps);
    const deadline = world.clock.now + millis;
    const context = {
      awsRequestId: `invocation-${invocation.id}`,
      invokedFunctionArn: name,
      getRemainingTimeInMillis: () => deadline - world.clock.now,
    };
    inPlace({ world, invocation }, () => {
      this.#handlers[name]!(event, context).then(
        (answer) => done((answer ?? {}) as Answer),
        (error: Error) => {
          world.note(`${name}#${invocation.id} failed: ${error.message}`);
          if (!world.troubled) world.violate(`[FA6] ${name} failed: ${error.stack}`);
          done({ statusCode: 500 });
        },
      );
    });
  }
}
