/** State of a client: `waiting` tries again by itself, `closed` does not. */
export type ClientState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * What can happen to a connection. `dial`: an attempt begins; `opened`: the service greeted; `lost`: the connection or an
 * attempt broke, and another attempt follows; `gaveUp`: no attempt follows; `close`: the application ended it.
 */
export type Happening = 'dial' | 'opened' | 'lost' | 'gaveUp' | 'close';

/** By what happens: the state it leads to, and the states in which it does. */
const transitions: Record<Happening, [to: ClientState, from: RegExp]> = {
  dial: ['connecting', /idle|waiting|closed/],
  opened: ['open', /connecting|waiting/],
  lost: ['waiting', /connecting|open/],
  gaveUp: ['closed', /connecting|open|waiting/],
  close: ['closed', /./],
};

/** The state after something happened; the same one where it changes nothing. */
export function nextState(state: ClientState, happening: Happening): ClientState {
  const [to, from] = transitions[happening];
  return from.test(state) ? to : state;
}
