/** A set of listeners by event. */
export interface Emitter<Events> {
  /** @returns the function that unsubscribes; calling it twice is harmless. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void;
  emit<E extends keyof Events>(event: E, value: Events[E]): void;
}

/**
 * Calls a listener of the application. Its error reaches the console or the process as one of its own code and does not
 * stop the client.
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
      // A subscription of its own: the same function may listen twice and each unsubscribes itself.
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
