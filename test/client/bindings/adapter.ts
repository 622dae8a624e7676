import type { SessionTarget } from '../../../client/binding.ts';
import type { Client, OpenOptions } from '../../../client/client-api.ts';
import type { RollcallError } from '../../../client/errors.ts';
import type { Session } from '../../../client/session-api.ts';
import type { Leave } from '../../../client/types.ts';

/** A component that shows a session or a selected part of it. */
export interface Probe {
  of: 'all' | 'others' | 'self' | 'cursors' | 'connection' | 'history';
  select?: (value: never) => unknown;
  /** For `history`: the time, in Unix milliseconds. */
  time?: number;
}

/** A part of a page that joins a session, with its components by name. */
export interface Part {
  target: SessionTarget;
  options?: OpenOptions;
  probes?: Record<string, Probe>;
  /** Nested parts. */
  inside?: Part[];
  onLeave?: (leave: Leave) => void;
  onError?: (error: RollcallError) => void;
  /** Called with events of the name `wave`. */
  onWave?: (payload: unknown) => void;
  /** Called when a component in the part is mounted. */
  onMounted?: (session: Session) => void;
}

export interface Tree {
  client: Client;
  parts: Part[];
}

export interface Mounted {
  /** The present value of a probe. */
  shown(probe: string): unknown;
  /** The values of a probe, one for each rendering. */
  all(probe: string): unknown[];
  /** How often a probe was rendered. */
  renders(probe: string): number;
  /** The session of a part, by its position in the tree. */
  session(part?: number): Session;
  update(tree: Tree): Promise<void>;
  unmount(): Promise<void>;
}

/** A view framework, or none. */
export interface Adapter {
  /** With `twice` it mounts, unmounts and mounts again, as React does in StrictMode. */
  mount(tree: Tree, options?: { twice?: boolean }): Promise<Mounted>;
  /** Runs a function and waits until the views are updated. */
  act<R>(run: () => Promise<R>): Promise<R>;
  /** The HTML that a server renders for a tree; undefined without server rendering. */
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

/** All parts of a tree, including nested ones, in document order. */
export const partsOf = (parts: Part[]): Part[] => parts.flatMap((part) => [part, ...partsOf(part.inside ?? [])]);
