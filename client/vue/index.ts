/**
 * Providers and composables for Vue 3.3 and later.
 *
 * @module vue
 */

export type { SessionTarget, ViewState } from '../binding.ts';
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
} from './composables.ts';
export { provideRollcall, provideSession, type ReadonlyRef, RollcallProvider, SessionProvider } from './context.ts';
