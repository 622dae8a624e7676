/** A set of listeners by event. */
export interface Emitter<Events> {
  /** @returns the function that unsubscribes; calling it twice is harmless. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void;
  emit<E extends keyof Events>(event: E, value: Events[E]): void;
}

/**
 * Calls a listener of the application. If it throws, the error is reported as an uncaught error of the application and does
 * not stop the client.
 */
export function callSafely<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(value: never) => void>>();
  return {
    on(event, listener) {
      // A new function for each subscription: the same listener may subscribe twice, and each subscription ends separately.
      const call = (value: never) => listener(value);
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set.add(call));
      return () => void set.delete(call);
    },
    emit(event, value) {
      for (const call of [...(listeners.get(event) ?? [])]) callSafely(call, value as never);
    },
  };
}
