import renewAgent from './renew-agent.lua';
import { type Piece, piecesOf } from './scripts.ts';

/** The script `renewAgent`, in pieces. */
export const renewAgentPieces = piecesOf('renewAgent', {
  file: 'lambdas/presence/scripts/renew-agent.lua',
  text: renewAgent,
} satisfies Piece);
