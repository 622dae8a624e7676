/**
 * Providers and hooks for React 18 and later.
 *
 * @module react
 */

'use client';

export type { SessionTarget, ViewState } from '../binding.ts';
export {
  RollcallProvider,
  type RollcallProviderProps,
  SessionProvider,
  type SessionProviderProps,
} from './context.ts';
export {
  type Collaboration,
  type HistoryAt,
  useBroadcast,
  useCollaboration,
  useConnection,
  useCursors,
  useErrors,
  useHistoryAt,
  useLeaves,
  useOthers,
  useSelf,
  useSession,
  useSignIn,
} from './hooks.ts';
