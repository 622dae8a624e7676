import type { SessionTarget } from '../../../client/binding.ts';
import type { Client, OpenOptions } from '../../../client/client-api.ts';
import type { RollcallError } from '../../../client/errors.ts';
import type { Session } from '../../../client/session-api.ts';
import type { Leave } from '../../../client/types.ts';

/** One component that shows something: all of a session, or what is selected of a part of it. */
export interface Probe {
  of: 'all' | 'others' | 'self' | 'cursors' | 'connection' | 'history';
  select?: (value: never) => unknown;
  /** For `history`: the moment, in Unix milliseconds. */
  time?: number;
}

/** A part of a page that joins a session, with components in it by their names. */
export interface Part {
  target: SessionTarget;
  options?: OpenOptions;
  probes?: Record<string, Probe>;
  /** Parts within this one. */
  inside?: Part[];
  onLeave?: (leave: Leave) => void;
  onError?: (error: RollcallError) => void;
  /** Hears events of the name `wave`. */
  onWave?: (payload: unknown) => void;
  /** Is called when a component within the part is mounted. */
  onMounted?: (session: Session) => void;
}

export interface Tree {
  client: Client;
  parts: Part[];
}

export interface Mounted {
  /** What a probe shows now. */
  shown(probe: string): unknown;
  /** Everything a probe showed, one for each time it was rendered. */
  all(probe: string): unknown[];
  /** How often a probe was rendered. */
  renders(probe: string): number;
  /** The session of a part, by its number in the order in which they stand in the tree. */
  session(part?: number): Session;
  update(tree: Tree): Promise<void>;
  unmount(): Promise<void>;
}

/** A way to show sessions: a view framework, or none. */
export interface Adapter {
  /** Mounts, unmounts and mounts again at once where `twice`, as React does in StrictMode. */
  mount(tree: Tree, options?: { twice?: boolean }): Promise<Mounted>;
  /** Runs something and lets the views follow. */
  act<R>(run: () => Promise<R>): Promise<R>;
  /** What a server sends for a tree; undefined where nothing is rendered on servers. */
  renderOnServer?(tree: Tree): Promise<string>;
}

/** Renderings and values of the probes of one tree. */
export function createRecords() {
  const values = new Map<string, unknown[]>();
  const all = (probe: string) => values.get(probe) ?? [];
  const sessions: Session[] = [];
  return {
    sessions,
    record: (probe: string, value: unknown) => void values.set(probe, [...all(probe), value]),
    all,
    shown: (probe: string) => all(probe).at(-1),
    renders: (probe: string) => all(probe).length,
    session: (part = 0) => sessions[part]!,
  };
}

/** Every part of a tree, those inside others included, in the order in which they stand there. */
export const partsOf = (parts: Part[]): Part[] => parts.flatMap((part) => [part, ...partsOf(part.inside ?? [])]);
