/** The result of an undo after which the rest of the undo must not run. */
export const stopUndo = Symbol('stop the undo');

/** Undoes a part of a step. Any result other than {@link stopUndo} means nothing. */
export type Undo<State> = (state: State) => Promise<unknown>;

/** One step of an ordered change that spans several stores. */
export interface Step<State> {
  readonly name: string;
  do(state: State): Promise<void>;
  /** The undo of this step, in this order. One that fails does not keep the next one from running. */
  readonly undo: readonly Undo<State>[];
}

export interface Undoing<State> {
  /** Whether a failure of the steps has to be undone. */
  isNeeded(state: State, error: unknown): boolean;
  /** Is told of an undo that failed itself. */
  failed(state: State, error: unknown): void;
}

/**
 * Runs steps one after the other. If one fails, all steps that began are undone, the last one first. The step that failed is
 * undone too, because a store that did not answer may have done its work.
 *
 * @throws the error of the step that failed, also if its undo fails.
 */
export async function runSteps<State>(
  steps: readonly Step<State>[],
  state: State,
  undoing: Undoing<State>,
): Promise<void> {
  const begun: Step<State>[] = [];
  try {
    for (const step of steps) {
      begun.unshift(step);
      await step.do(state);
    }
  } catch (error) {
    if (undoing.isNeeded(state, error)) await undoAll(begun, state, undoing);
    throw error;
  }
}

async function undoAll<State>(steps: readonly Step<State>[], state: State, undoing: Undoing<State>): Promise<void> {
  for (const undo of steps.flatMap((step) => step.undo)) {
    try {
      if ((await undo(state)) === stopUndo) return;
    } catch (error) {
      undoing.failed(state, error);
    }
  }
}
