import { type Profile, profiles as serverProfiles } from '../profile.ts';

/** The faults of tabs. */
export type Fault =
  | 'break'
  | 'cut'
  | 'silentCut'
  | 'sleep'
  | 'hide'
  | 'hideLong'
  | 'hideAndBreak'
  | 'withdraw'
  | 'signOut'
  | 'refuse'
  | 'network'
  | 'end'
  | 'cache'
  | 'reload'
  | 'closeTab'
  | 'closeClient'
  | 'hang';

/** The kinds of faults in a scenario. Probabilities are per occasion. */
export interface ClientProfile extends Profile {
  faults: Partial<Record<Fault, number>>;
  /** The probability that a frame of the service is lost. */
  lost: number;
  /** The probability that a frame of either side arrives twice. */
  doubled: number;
  /** The probability that a frame takes up to four seconds. */
  late: number;
  /** The lifetime of a connection, if it is shorter than two hours. */
  rolloverSeconds?: number;
  /** The lifetime of a token. */
  tokenSeconds: [least: number, most: number];
  /** The probability that `token()` throws. */
  tokenFails: number;
}

const calm: ClientProfile = {
  ...serverProfiles[0]!,
  faults: {},
  lost: 0,
  doubled: 0,
  late: 0,
  tokenSeconds: [3600, 7200],
  tokenFails: 0,
};
const network = { disconnectLost: 0.2, disconnectDoubled: 0.2, disconnectLate: 0.3 };
const frames = { slow: 0.01, lost: 0.03, doubled: 0.03, late: 0.05, refusals: 0.03 };

/** The kinds of scenarios; seeds use them in turn. */
export const clientProfiles: readonly ClientProfile[] = [
  calm,
  { ...calm, ...network, name: 'broken sockets', faults: { break: 1, end: 0.3 } },
  { ...calm, ...network, name: 'told cuts', faults: { cut: 1 } },
  { ...calm, ...network, name: 'silent cuts', faults: { silentCut: 1, break: 0.2 } },
  { ...calm, ...network, name: 'sleep', faults: { sleep: 1 } },
  { ...calm, ...network, name: 'hidden tabs', faults: { hide: 1, hideLong: 0.5, hideAndBreak: 0.5 } },
  {
    ...calm,
    name: 'tokens',
    tokenSeconds: [90, 400],
    tokenFails: 0.1,
    faults: { withdraw: 0.5, break: 1, signOut: 0.3 },
  },
  { ...calm, ...network, ...frames, name: 'frames', faults: { break: 0.3 } },
  { ...calm, ...network, name: 'refused posts', refusals: 0.15 },
  { ...calm, ...network, name: 'emptied Redis', emptied: 1 },
  { ...calm, name: 'outages of Redis', outages: 2 },
  { ...calm, ...network, name: 'refused handshakes', faults: { refuse: 1, hang: 0.5, break: 0.5 } },
  { ...calm, name: 'replacement', rolloverSeconds: 60, faults: { network: 1, end: 0.3 } },
  { ...calm, name: 'pages', faults: { cache: 1, reload: 1, closeTab: 0.5, closeClient: 0.5 } },
  {
    ...{ ...calm, ...network, ...frames, name: 'everything', tokenSeconds: [120, 1200], tokenFails: 0.05 },
    faults: {
      ...{ break: 1, cut: 1, silentCut: 0.5, sleep: 1, hide: 1, withdraw: 0.3, signOut: 0.2, refuse: 0.5 },
      ...{ network: 0.5, end: 0.3, cache: 0.5, reload: 0.5, closeTab: 0.2, closeClient: 0.2, hang: 0.3 },
    },
  },
];

export function clientProfileOf(seed: number): ClientProfile {
  return clientProfiles[seed % clientProfiles.length]!;
}
