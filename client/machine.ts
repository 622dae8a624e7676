/** State of a client: `waiting` tries again by itself, `closed` does not. */
export type ClientState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * What can happen to a connection. `dial`: an attempt begins; `opened`: the service greeted; `lost`: the connection or an
 * attempt broke, and another attempt follows; `gaveUp`: no attempt follows; `close`: the application ended it.
 */
export type Happening = 'dial' | 'opened' | 'lost' | 'gaveUp' | 'close';

const transitions: Record<ClientState, Partial<Record<Happening, ClientState>>> = {
  idle: { dial: 'connecting', lost: 'waiting', close: 'closed' },
  connecting: { opened: 'open', lost: 'waiting', gaveUp: 'closed', close: 'closed' },
  open: { lost: 'waiting', gaveUp: 'closed', close: 'closed' },
  waiting: { dial: 'connecting', opened: 'open', gaveUp: 'closed', close: 'closed' },
  closed: { dial: 'connecting', lost: 'waiting' },
};

/** The state after something happened; the same one where it changes nothing. */
export function nextState(state: ClientState, happening: Happening): ClientState {
  return transitions[state][happening] ?? state;
}
