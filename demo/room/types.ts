import type { Client, Session, User } from '../../client/index.ts';
import type { ElementPoint } from '../../client/ui/index.ts';

/** A card that a user holds, and the place where it would go. */
export interface Held {
  card: string;
  lane: number;
  start: number;
}

/** The published state of a user's text: enough to see that it differs, and to send only what is missing. */
export interface TextState {
  digest: string;
  /** The state vector of the document, in Base64; empty if it is too large. */
  vector: string;
}

export const reactionKinds = ['heart', 'star', 'thumb', 'bolt', 'question'] as const;
export type ReactionKind = (typeof reactionKinds)[number];

/** The types of the demo, declared once for client, session and components. */
export interface DemoTypes {
  data: { held?: Held; text?: TextState };
  cursor: ElementPoint;
  metadata: { title: string };
  broadcasts: {
    reaction: { kind: ReactionKind; point?: ElementPoint };
    /** A part of a change of the text, in Base64. */
    text: { id: string; part: number; parts: number; bytes: string };
  };
}

export type DemoClient = Client<DemoTypes>;
export type DemoSession = Session<DemoTypes>;
export type DemoUser = User<DemoTypes>;

/** Whether this user may move cards and edit the text. The demo decides that; the service checks everything else. */
export const mayEdit = ({ role }: Pick<DemoSession, 'role'>) => role === 'operator';
/** Whether this user may react. The service refuses broadcasts of others. */
export const mayReact = ({ role }: Pick<DemoSession, 'role'>) => role !== undefined && role !== 'viewer';
export const isOwner = ({ info, self }: Pick<DemoSession, 'info' | 'self'>) =>
  info !== undefined && info.ownerId === self?.userId;
