/** State of a client. `waiting`: it will reconnect by itself; `closed`: it will not. */
export type ClientState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * Events of a connection. `dial`: an attempt begins; `opened`: `welcome` arrived; `lost`: the connection or an attempt failed, and
 * another attempt follows; `gaveUp`: no attempt follows; `close`: the application closed it.
 */
export type StateEvent = 'dial' | 'opened' | 'lost' | 'gaveUp' | 'close';

/** For each event: the next state, and the states in which the event has an effect. */
const transitions: Record<StateEvent, [to: ClientState, from: RegExp]> = {
  dial: ['connecting', /idle|waiting|closed/],
  opened: ['open', /connecting|waiting/],
  lost: ['waiting', /connecting|open/],
  gaveUp: ['closed', /connecting|open|waiting/],
  close: ['closed', /./],
};

/** The state after an event; the same state if the event has no effect in it. */
export function nextState(state: ClientState, event: StateEvent): ClientState {
  const [to, from] = transitions[event];
  return from.test(state) ? to : state;
}
